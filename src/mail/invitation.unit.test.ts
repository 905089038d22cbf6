import { expect, test } from "vitest";
import { Secret } from "../core/secret.ts";
import { acceptLink, invitationMessage } from "./invitation.ts";

const letter = {
  to: "ada@acme.test",
  name: "Ada",
  tenant: "Acme <b>& Sons</b>",
  inviter: 'Olivia "O" Owner',
  expiresAt: Date.UTC(2027, 0, 1),
};
const link = acceptLink("https://app.test/", new Secret("tnt_inv_x"));

test("the token is in the part of the link that browsers send to nobody", () => {
  expect(link).toBe("https://app.test/invitations/accept#token=tnt_inv_x");
  expect(acceptLink("https://app.test/base", new Secret("t"))).toBe(
    "https://app.test/base/invitations/accept#token=t",
  );
});

test("a mail says who invites whereto, how to accept and until when", () => {
  const { to, subject, text } = invitationMessage(letter, link, null);
  expect([to, subject]).toEqual([letter.to, 'Olivia "O" Owner invites you to Acme <b>& Sons</b>']);
  for (const part of ["Hello Ada,", link, "sign in as ada@acme.test", "Fri, 01 Jan 2027"])
    expect(text).toContain(part);
  expect(text).not.toContain("password");
  expect(invitationMessage({ ...letter, name: null }, link, null).text).toContain("Hello,");
});

test("names are text in the page, whatever they hold", () => {
  const { html } = invitationMessage(letter, link, null);
  expect(html).toContain("Acme &lt;b&gt;&amp; Sons&lt;/b&gt;");
  expect(html).toContain("Olivia &quot;O&quot; Owner");
  expect(html).not.toContain("<b>");
  expect(html).toContain(`<a href="${link}">`);
});

test("people without an account are first led to choose a password", () => {
  const { text, html } = invitationMessage(
    letter,
    link,
    "https://login.test/lo/reset?ticket=1&a=b",
  );
  expect(text.indexOf("ticket=1")).toBeLessThan(text.indexOf(link));
  expect(html).toContain('href="https://login.test/lo/reset?ticket=1&amp;a=b"');
});
