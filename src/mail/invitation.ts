import type { Secret } from "../core/secret.ts";
import { asHtml } from "../core/text.ts";
import type { Message } from "./mailer.ts";

export type Letter = {
  readonly to: string;
  readonly name: string | null;
  readonly tenant: string;
  /** Null where the platform invites. */
  readonly inviter: string | null;
  readonly token: Secret;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
};

/** The token stands behind `#`: browsers send that part to no server, and no log has it. */
export const acceptLink = (frontendUrl: string, token: Secret): string =>
  `${frontendUrl.replace(/\/$/, "")}/invitations/accept#token=${token.reveal()}`;

/** `passwordLink` is for people who have no account at the provider yet. */
export function invitationMessage(
  { to, name, tenant, inviter, expiresAt }: Omit<Letter, "token">,
  link: string,
  passwordLink: string | null,
): Message {
  const until = new Date(expiresAt).toUTCString();
  const subject = inviter ? `${inviter} invites you to ${tenant}` : `You are invited to ${tenant}`;
  const parts: [string, string?][] = [
    [`Hello${name ? ` ${name}` : ""},`],
    [`${subject}.`],
    ...(passwordLink ? [["First choose a password:", passwordLink] as [string, string]] : []),
    [`To accept, open this link and sign in as ${to}:`, link],
    [`The link works once, until ${until}. If you do not know what this is about, ignore it.`],
  ];
  const text = parts.map((part) => part.filter(Boolean).join("\n")).join("\n\n");
  const html = parts.map(([line, url]) => {
    const anchor = url ? `<br><a href="${asHtml(url)}">${asHtml(url)}</a>` : "";
    return `<p>${asHtml(line)}${anchor}</p>`;
  });
  return {
    to,
    subject,
    text: `${text}\n`,
    html: `<!doctype html><html lang="en"><body style="font-family:sans-serif">${html.join("")}</body></html>`,
  };
}
