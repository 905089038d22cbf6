import { z } from "zod";
import { ApiError, unavailable } from "../core/error.ts";
import { Secret } from "../core/secret.ts";
import { causeOf, type Misconfiguration, type Reply } from "../remote/ask.ts";
import type { Invited } from "./identity-provider.ts";
import type { ManagementApi } from "./management-api.ts";
import { Subject } from "./subject.ts";

const Account = z.object({
  user_id: Subject,
  email_verified: z.boolean().default(false),
  identities: z.array(z.object({ connection: z.string().optional() })).default([]),
  app_metadata: z.record(z.string(), z.unknown()).default({}),
  logins_count: z.number().default(0),
});
type Account = z.infer<typeof Account>;
const Made = z.object({ user_id: Subject });
const Ticket = z.object({ ticket: z.url({ protocol: /^https$/ }) });

/** Stands where only the Management API writes: an account we made for somebody invited. */
const marker = "tenantry_invited";
/** What Auth0 takes at once. */
const mostMembers = 10;
/** Auth0's own default. */
const ticketSeconds = 5 * 86_400;

export function createInvite(api: ManagementApi, connection: string) {
  /** Those this address is proved for, and those of our connection, where no other can have it. */
  async function accountsOf(address: string, deadline: number): Promise<Account[]> {
    const fields = Object.keys(Account.shape).join(",");
    const query = new URLSearchParams({ email: address, fields, include_fields: "true" });
    const reply = await api.ask(
      { method: "GET", path: `/api/v2/users-by-email?${query}` },
      deadline,
    );
    if (reply.status !== 200) throw api.refusal(reply);
    return api
      .parse(z.array(Account), reply)
      .filter(
        ({ email_verified, identities }) =>
          email_verified || identities.some((identity) => identity.connection === connection),
      );
  }

  /** Undefined when somebody was faster, be it our own first attempt whose answer was lost. */
  async function create(address: string, name: string, deadline: number) {
    const password = new Secret(randomPassword());
    const body = {
      connection,
      email: address,
      name,
      password: password.reveal(),
      email_verified: false,
      // The mail with our link proves the address as well; a second one would only confuse.
      verify_email: false,
      app_metadata: { [marker]: true },
    };
    const path = "/api/v2/users";
    const reply = await api.ask({ method: "POST", path, body, secrets: [password] }, deadline);
    if (reply.status === 409) return undefined;
    if (reply.status !== 201) throw api.refusal(reply, [unusableConnection]);
    return api.parse(Made, reply).user_id;
  }

  /** Their subjects, and whether nobody has signed in yet with what an invitation made. */
  async function ensureAccounts({ email, name }: Invited, deadline: number) {
    const address = email.toLowerCase();
    let accounts = await accountsOf(address, deadline);
    if (accounts.length === 0) {
      const made = await create(address, name, deadline);
      if (made) return { subjects: [made], unused: true };
      accounts = await accountsOf(address, deadline);
    }
    if (accounts.length === 0)
      throw unavailable("The identity provider hides an account with this address");
    return { subjects: accounts.map(({ user_id }) => user_id), unused: accounts.every(isUnused) };
  }

  async function join(organizationId: string, subjects: readonly string[], deadline: number) {
    if (!/^org_[A-Za-z0-9]{1,46}$/.test(organizationId)) throw noOrganization();
    const path = `/api/v2/organizations/${organizationId}/members`;
    const body = { members: subjects.slice(0, mostMembers) };
    const reply = await api.ask({ method: "POST", path, body }, deadline);
    if (reply.status === 404) throw noOrganization(reply);
    if (reply.status !== 204) throw api.refusal(reply);
  }

  async function issueTicket(subject: string, returnTo: string, deadline: number) {
    const body = {
      user_id: subject,
      result_url: returnTo,
      ttl_sec: ticketSeconds,
      mark_email_as_verified: true,
      includeEmailInRedirect: false,
    };
    const path = "/api/v2/tickets/password-change";
    const reply = await api.ask({ method: "POST", path, body }, deadline);
    if (reply.status !== 201) throw api.refusal(reply);
    return api.parse(Ticket, reply).ticket;
  }

  return async (person: Invited, deadline: number): Promise<string | null> => {
    const { organizationId, returnTo } = person;
    const { subjects, unused } = await ensureAccounts(person, deadline);
    if (organizationId !== null) await join(organizationId, subjects, deadline);
    const [subject] = subjects;
    return unused && subject ? await issueTicket(subject, returnTo, deadline) : null;
  };
}

const isUnused = ({ app_metadata, logins_count }: Account) =>
  app_metadata[marker] === true && logins_count === 0;

const kindsOfCharacter = [
  "abcdefghijklmnopqrstuvwxyz",
  "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  "0123456789",
  "!@#$%^&*",
];

/** Nobody ever types it. Some of each kind, and never one twice in a row, as the strictest policy asks. */
function randomPassword(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(40));
  return Array.from(bytes, (byte, at) => {
    const kind = kindsOfCharacter[at % kindsOfCharacter.length] ?? "";
    return kind.charAt(byte % kind.length);
  }).join("");
}

const noOrganization = (reply?: Reply) =>
  new ApiError("conflict", "The identity provider has no such organisation", {
    cause: reply && causeOf(reply),
  });

const unusableConnection: Misconfiguration = {
  status: 400,
  text: /connection/i,
  detail: "AUTH0_CONNECTION is not a database connection AUTH0_MANAGEMENT_CLIENT_ID may use",
};
