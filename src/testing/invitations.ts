import type { Answer } from "./client.ts";
import type { Person } from "./harness.ts";
import { invitationToken } from "./mails.ts";

type Offer = {
  email: string;
  name?: string;
  tenantRole?: string;
  accountId?: string | undefined;
  role?: string;
};
export type Sent = { readonly id: string };
type Caller = Pick<Person, "call">;

/** Invites an address, or tries to. */
export async function inviteAs(
  inviter: Caller,
  offer: Offer,
): Promise<Sent & { readonly answer: Answer }> {
  const answer = await inviter.call("/api/v1/invitations", { method: "POST", body: offer });
  return { id: String(answer.body["id"]), answer };
}

/** Somebody is invited and has the link. */
export async function invited(inviter: Caller, person: Person, offer: Omit<Offer, "email"> = {}) {
  const { id, answer } = await inviteAs(inviter, { email: person.email, ...offer });
  if (answer.status !== 201) throw new Error(`invitation: ${JSON.stringify(answer.body)}`);
  return { id, token: await invitationToken(person.email) };
}

export const accept = (person: Caller, token: string, headers: Record<string, string> = {}) =>
  person.call("/api/v1/invitations/accept", { method: "POST", body: { token }, headers });
