import type { Secret } from "../core/secret.ts";
import { asHtml } from "../core/text.ts";
import type { Message } from "./mailer.ts";

export type Letter = {
  readonly to: string;
  readonly name: string | null;
  readonly tenant: string;
  readonly inviter: string;
  readonly token: Secret;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
};

/** The token stands behind `#`: browsers send that part to no server, and no log has it. */
export const acceptLink = (frontendUrl: string, token: Secret): string =>
  `${frontendUrl.replace(/\/$/, "")}/invitations/accept#token=${token.reveal()}`;

/** `start` is the link to click, which may lead to the provider first. */
export function invitationMessage(
  { to, name, tenant, inviter, expiresAt }: Omit<Letter, "token">,
  start: string,
): Message {
  const until = new Date(expiresAt).toUTCString();
  const lines = [
    `Hello${name ? ` ${name}` : ""},`,
    `${inviter} invites you to ${tenant}. To accept, open this link and sign in as ${to}:`,
    start,
    `The link works once, until ${until}. If you do not know what this is about, ignore it.`,
  ];
  const [hello = "", why = "", , end = ""] = lines.map(asHtml);
  return {
    to,
    subject: `${inviter} invites you to ${tenant}`,
    text: `${lines.join("\n\n")}\n`,
    html:
      `<!doctype html><html lang="en"><body style="font-family:sans-serif"><p>${hello}</p><p>${why}</p>` +
      `<p><a href="${asHtml(start)}">Accept the invitation</a></p><p>${end}</p></body></html>`,
  };
}
