import { expect, test } from "vitest";
import { newPerson, newTenant, type Person } from "../../testing/harness.ts";
import { invitationToken, mailsTo } from "../../testing/mails.ts";
import { indexOf } from "../../testing/rows.ts";

const path = "/api/v1/invitations";
const accept = (person: Person, token: string) =>
  person.call(`${path}/accept`, { method: "POST", body: { token } });

test("an invited person gets a mail, accepts with its link, and is in on the next request", async () => {
  const acme = await newTenant();
  const ada = newPerson();
  const { status, body, headers } = await acme.owner.call(path, {
    method: "POST",
    body: { email: ada.email, name: "Ada", role: "EDITOR" },
  });
  expect([status, body["code"]]).toEqual([201, undefined]);
  expect(body).toMatchObject({ email: ada.email, state: "pending", sentAt: null, role: "EDITOR" });
  expect(headers["location"]).toBe(`${path}/${body["id"]}`);
  const token = await invitationToken(ada.email);
  expect(mailsTo(ada.email)[0]?.subject).toBe(`Test Person invites you to Tenant ${acme.slug}`);
  await expect
    .poll(async () => (await acme.owner.call(`${path}/${body["id"]}`)).body["sentAt"])
    .toEqual(expect.any(String));

  const accepted = await accept(ada, token);
  expect(accepted).toMatchObject({
    status: 200,
    body: { tenant: { id: acme.id, slug: acme.slug }, tenantRole: "member", role: "EDITOR" },
  });
  const me = await ada.call("/api/v1/users/me", { headers: { "x-tenant-id": acme.slug } });
  expect(me).toMatchObject({
    status: 200,
    body: { id: accepted.body["userId"], status: "active" },
  });
  expect(await indexOf(acme, ada)).toEqual([{ role: "member", status: "active" }]);
});
