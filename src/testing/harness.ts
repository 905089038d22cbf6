// Which tool for what; each file says more at its head.
// People and tenants: here; house has each role once, twins two full tenants; keys and operators
// are the callers that are no people of a tenant.
// To arrange and to look: rows over tables and API; sealing the audit log; databases, raw-sql and dump by the back door.
// What runs: stack is shared; worker, worker-process and own-sqld are yours to change or kill.
// What breaks: proxy and disturbance before sqld, faulty-fetch and founder in-process, outage.
// Who is not ours: turso (and turso-account over it), auth0, key-server; tokens are good, flawed-tokens and forgery bad.
// Ways in: login asks for one and looks at what the provider is sent, sign-in goes all the way.
// The API's contract: contract checks every answer; sample and paths make requests from it.

import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { inject } from "vitest";
import { newId } from "../core/id.ts";
import type { AccountRole, TenantRole } from "../core/roles.ts";
import { batch } from "../db/batch.ts";
import { parseSettings } from "../env.ts";
import { accountMembers } from "../tenant/accounts/accounts.table.ts";
import { userIdentities, users } from "../tenant/users/users.table.ts";
import { type Answer, type Call, call, lookAtAnswers } from "./client.ts";
import { assertAsDocumented } from "./contract.ts";
import { openRegistry, openTenant } from "./databases.ts";
import { type Claims, signToken } from "./tokens.ts";

export const stack = inject("stack");
export const settings = parseSettings(stack.settings);
export const registry = openRegistry(settings);
lookAtAnswers(assertAsDocumented);

/** Somebody with an identity at the provider, and no tenant yet. */
export type Person = {
  readonly subject: string;
  readonly email: string;
  token(claims?: Claims): Promise<string>;
  /**
   * A request as this person; `headers` may add signals or take the token away. A path in full goes
   * to another Worker.
   */
  call<T = Record<string, unknown>>(path: string, options?: Call): Promise<Answer<T>>;
};

/** A random name that no test searches for by chance: none of its letters stands in a hexadecimal number. */
const wordless = () =>
  randomUUID().replaceAll(/[0-9a-f]/g, (digit) =>
    "ghjkmnpqrstvwxyz".charAt(Number.parseInt(digit, 16)),
  );

export function newPerson(base = stack.apiUrl): Person {
  const subject = `auth0|${randomUUID()}`;
  const email = `${wordless()}@people.test`;
  const token = (claims: Claims = {}) =>
    signToken(stack, {
      sub: subject,
      sid: subject,
      email,
      email_verified: true,
      name: "Test Person",
      ...claims,
    });
  let plain: Promise<string> | undefined;
  return {
    subject,
    email,
    token,
    call: async (path, options = {}) => {
      plain ??= token();
      return await call(path.startsWith("http:") ? path : `${base}${path}`, {
        ...options,
        headers: { authorization: `Bearer ${await plain}`, ...options.headers },
      });
    },
  };
}

/** The same person, whose every request sends these headers too. */
export const naming = <P extends Pick<Person, "call">>(
  person: P,
  headers: Record<string, string | undefined>,
): P => ({
  ...person,
  call: (path, options = {}) =>
    person.call(path, { ...options, headers: { ...headers, ...options.headers } }),
});

/** A person in a tenant: every request names the tenant, and the account if they have a role in one. */
export type Member = Person & { readonly userId: string };
type Seat = { tenantRole?: TenantRole; accountRole?: AccountRole; status?: "active" | "suspended" };

/** A tenant of one's own, signed up over HTTP: tests run in parallel and assert exact counts. */
export async function newTenant(base = stack.apiUrl, backends = settings) {
  const slug = `t-${randomUUID().slice(0, 13)}`;
  const owner = newPerson(base);
  const { status, body } = await owner.call<{
    id: string;
    ownerId: string;
    defaultAccountId: string;
  }>("/api/v1/tenants/register", { method: "POST", body: { name: `Tenant ${slug}`, slug } });
  if (status !== 201) throw new Error(`registration: ${status} ${JSON.stringify(body)}`);
  const { id, ownerId, defaultAccountId: accountId } = body;
  const db = await openTenant(backends, id);

  const seated = (person: Person, userId: string, account?: string): Member => ({
    ...person,
    userId,
    call: (path, options = {}) =>
      person.call(path, {
        ...options,
        headers: { "x-tenant-id": slug, "account-id": account, ...options.headers },
      }),
  });

  return {
    id,
    slug,
    accountId,
    db,
    owner: seated(owner, ownerId),
    /** Somebody already in the tenant, placed there by the back door. */
    async member({ tenantRole = "member", accountRole, status = "active" }: Seat = {}) {
      const person = newPerson(base);
      const userId = newId("user");
      const now = Date.now();
      const { issuer } = settings.identityProvider;
      await batch(db, "write", [
        db.insert(users).values({
          id: userId,
          email: person.email,
          name: "Test Person",
          status,
          tenantRole,
          createdAt: now,
          updatedAt: now,
        }),
        db.insert(userIdentities).values({
          id: newId("identity"),
          issuer,
          subject: person.subject,
          userId,
          createdAt: now,
        }),
        db
          .insert(accountMembers)
          .select(
            sql`select ${accountId}, ${userId}, ${accountRole ?? null}, ${now}, 1 where ${accountRole ?? null} is not null`,
          ),
      ]);
      return seated(person, userId, accountRole && accountId);
    },
  };
}
export type TestTenant = Awaited<ReturnType<typeof newTenant>>;
