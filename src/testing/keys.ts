import { type Permission, permissions } from "../core/permissions.ts";
import { type Member, naming, newPerson, type Person } from "./harness.ts";

type Wanted = { scopes?: readonly Permission[]; accountId?: string; expiresAt?: string | null };
export type IssuedKey = { readonly id: string; readonly key: string; readonly hint: string };

/** An API key somebody issues for themselves. */
export async function issueKey(owner: Pick<Member, "call">, wanted: Wanted = {}) {
  const body = { name: "Test key", scopes: [], ...wanted };
  const answer = await owner.call<IssuedKey>("/api/v1/api-keys", { method: "POST", body });
  if (answer.status !== 201)
    throw new Error(`key: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A program that has a key and nothing else: it names no tenant, the key does. */
export function programWith(key: string, headers: Record<string, string> = {}): Person {
  const person = newPerson();
  return {
    ...person,
    call: (path, options = {}) =>
      person.call(path, {
        ...options,
        headers: { authorization: `Bearer ${key}`, ...headers, ...options.headers },
      }),
  };
}

/** A program of this member's, where they are: of every scope, unless said otherwise. */
export async function keyOf(owner: Member, wanted: Wanted = {}): Promise<Member> {
  const { accountId } = wanted;
  const there = accountId ? naming(owner, { "account-id": accountId }) : owner;
  const { key } = await issueKey(there, { scopes: permissions, ...wanted });
  const named = { "x-tenant-id": undefined, "account-id": undefined };
  return naming(owner, { authorization: `Bearer ${key}`, ...named });
}
