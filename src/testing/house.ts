import { eq } from "drizzle-orm";
import { type Access, admission, type CallerKind, isOpenTo } from "../core/access.ts";
import { type Permission, permissions, permissionsOf } from "../core/permissions.ts";
import { type AccountRole, accountRoles, type TenantRole } from "../core/roles.ts";
import { batch } from "../db/batch.ts";
import { accounts } from "../tenant/accounts/accounts.table.ts";
import { apiKeys } from "../tenant/api-keys/api-keys.table.ts";
import { users } from "../tenant/users/users.table.ts";
import { naming, newPerson, newTenant, type Person, type TestTenant } from "./harness.ts";
import { issueKey, programWith } from "./keys.ts";
import { furnish, newOperator, newPlatformAdmin } from "./operators.ts";
import { placeAccount, placeInAccount } from "./rows.ts";

/** Where somebody stands in the tenant, and in the account they work in. */
export type Position = {
  readonly title: string;
  readonly kind: CallerKind;
  readonly tenantRole: TenantRole;
  /** What they are in the account; of a key, what its scopes leave of that. */
  readonly role: AccountRole | null;
  /** Of a key: what its owner is, and what it names. */
  readonly ownerRole?: AccountRole;
  readonly scopes?: readonly Permission[];
  /** Of a platform admin's grant. */
  readonly mode?: "read" | "write";
  readonly person: Pick<Person, "call">;
};
export type Refusal = { readonly status: number; readonly code: string };
/** Somebody every route of the tenant refuses, and how. */
export type Outsider = {
  readonly title: string;
  readonly person: Pick<Person, "call">;
  readonly refusal: Refusal;
};

/** A tenant with somebody in every position that routes tell apart, and those who should not get in. */
export async function newHouse() {
  const [tenant, other] = await Promise.all([newTenant(), newTenant()]);
  await furnish(other);
  const people = await peopleOf(tenant);
  const positions = [...people, ...(await keysOf(tenant)), ...(await operatorsOf(tenant))];
  const outsiders = [...(await strangersOf(tenant, other)), ...(await barredFrom(tenant))];
  const secondAccount = await placeAccount(tenant.db, "Second");
  return { tenant, other, positions, outsiders, secondAccount };
}
export type House = Awaited<ReturnType<typeof newHouse>>;

async function peopleOf(tenant: TestTenant): Promise<Position[]> {
  const kind = "user" as const;
  const admin = await tenant.member({ tenantRole: "admin" });
  const positions: Position[] = [
    { title: "owner", kind, tenantRole: "owner", role: "ADMIN", person: tenant.owner },
    { title: "admin", kind, tenantRole: "admin", role: "ADMIN", person: admin },
  ];
  for (const role of accountRoles) {
    const person = await tenant.member({ accountRole: role });
    positions.push({ title: role, kind, tenantRole: "member", role, person });
  }
  const member = await tenant.member({ accountRole: "ADMIN" });
  const person = naming(member, { "account-id": undefined });
  const title = "ADMIN who names no account";
  return [...positions, { title, kind, tenantRole: "member", role: null, person }];
}

async function keysOf(tenant: TestTenant): Promise<Position[]> {
  const position = async (
    title: string,
    owner: Pick<Person, "call">,
    ownerRole: AccountRole,
    scopes: readonly Permission[],
    is: Pick<Position, "tenantRole" | "role">,
  ): Promise<Position> => {
    const { key } = await issueKey(owner, { scopes });
    const person = programWith(key);
    return { title: `${title} key`, kind: "key", ownerRole, scopes, person, ...is };
  };
  const lowly = { tenantRole: "member", role: null } as const;
  const [admin, manager, viewer] = [
    await tenant.member({ accountRole: "ADMIN" }),
    await tenant.member({ accountRole: "MANAGER" }),
    await tenant.member({ accountRole: "VIEWER" }),
  ];
  const all = { tenantRole: "owner", role: "ADMIN" } as const;
  return [
    await position("the owner's unlimited", tenant.owner, "ADMIN", permissions, all),
    await position("the owner's scopeless", tenant.owner, "ADMIN", [], lowly),
    await position("the owner's looking", tenant.owner, "ADMIN", ["VIEW_ALL_USERS"], lowly),
    await position("an ADMIN's", admin, "ADMIN", permissions, { ...lowly, role: "ADMIN" }),
    await position("a MANAGER's", manager, "MANAGER", permissionsOf.MANAGER, {
      ...lowly,
      role: "MANAGER",
    }),
    await position("a VIEWER's", viewer, "VIEWER", ["VIEW_CONTENT"], { ...lowly, role: "VIEWER" }),
  ];
}

async function operatorsOf(tenant: TestTenant): Promise<Position[]> {
  const position = async (mode: "read" | "write"): Promise<Position> => {
    const title = `a platform admin with a grant to ${mode}`;
    const person = await newOperator(tenant, mode);
    return { title, kind: "operator", tenantRole: "admin", role: "ADMIN", mode, person };
  };
  return [await position("read"), await position("write")];
}

async function strangersOf(tenant: TestTenant, other: TestTenant): Promise<Outsider[]> {
  const inTenant = { "x-tenant-id": tenant.slug };
  const foreign = { status: 403, code: "tenant_forbidden" };
  const unknown = { status: 401, code: "unauthenticated" };
  const strangerKey = await issueKey(other.owner, { scopes: permissions });
  const nobody = (authorization: string | undefined) =>
    naming(newPerson(), { ...inTenant, authorization });
  return [
    { title: "nobody", person: nobody(undefined), refusal: unknown },
    { title: "a bad token", person: nobody("Bearer a.b.c"), refusal: unknown },
    {
      title: "a key we never issued",
      person: nobody(`Bearer tnt_live_${"0".repeat(87)}`),
      refusal: unknown,
    },
    { title: "another tenant's owner", person: naming(other.owner, inTenant), refusal: foreign },
    { title: "somebody of no tenant", person: naming(newPerson(), inTenant), refusal: foreign },
    {
      title: "a platform admin without a grant",
      person: naming(await newPlatformAdmin(), inTenant),
      refusal: foreign,
    },
    {
      title: "another tenant's key",
      person: programWith(strangerKey.key, inTenant),
      refusal: { status: 403, code: "tenant_mismatch" },
    },
  ];
}

/** Who was in, or nearly is. */
async function barredFrom(tenant: TestTenant): Promise<Outsider[]> {
  const { db, owner } = tenant;
  const suspended = await tenant.member({ accountRole: "ADMIN" });
  const [closed, orphan, revoked, expired] = [
    await placeAccount(db, "Closed"),
    await issueKey(suspended, { scopes: permissions }),
    await issueKey(owner, { scopes: permissions }),
    await issueKey(owner, { scopes: permissions }),
  ];
  const inClosed = await tenant.member();
  await placeInAccount(db, closed, inClosed.userId, "ADMIN");
  const naming_ = naming(inClosed, { "account-id": closed });
  const closedKey = await issueKey(naming_, { scopes: permissions });
  const signedOut = await tenant.member({ accountRole: "ADMIN" });
  await signedOut.call("/api/v1/sessions/current", { method: "DELETE" });
  await owner.call(`/api/v1/api-keys/${revoked.id}`, { method: "DELETE" });
  await batch(db, "write", [
    db.update(apiKeys).set({ expiresAt: 1 }).where(eq(apiKeys.id, expired.id)),
    db.update(users).set({ status: "suspended" }).where(eq(users.id, suspended.userId)),
    db.update(accounts).set({ active: false }).where(eq(accounts.id, closed)),
  ] as const);
  const badKey = { status: 401, code: "unauthenticated" };
  const shut = { status: 403, code: "account_forbidden" };
  return [
    {
      title: "a suspended user",
      person: suspended,
      refusal: { status: 403, code: "user_suspended" },
    },
    { title: "a suspended user's key", person: programWith(orphan.key), refusal: badKey },
    { title: "a revoked key", person: programWith(revoked.key), refusal: badKey },
    { title: "an expired key", person: programWith(expired.key), refusal: badKey },
    { title: "an ADMIN of a suspended account", person: naming_, refusal: shut },
    { title: "a suspended account's key", person: programWith(closedKey.key), refusal: shut },
    {
      title: "a session that was ended",
      person: signedOut,
      refusal: { status: 401, code: "session_revoked" },
    },
  ];
}

const forbidden = { status: 403, code: "forbidden" };

/** How a route with this access answers somebody in this position; undefined where it is open to them. */
export function refusalOf(access: Access, method: string, position: Position): Refusal | undefined {
  const { kind, tenantRole, role, mode } = position;
  const { tenantRoles, roles } = admission(access);
  const demandsRole = roles !== null;
  if (kind === "user" && demandsRole && role === null)
    return { status: 400, code: "account_required" };
  if (!isOpenTo(access, kind)) return forbidden;
  if (mode === "read" && method !== "GET") return forbidden;
  if (tenantRoles && !tenantRoles.includes(tenantRole)) return forbidden;
  return holdsRole(access, position) ? undefined : forbidden;
}

function holdsRole(access: Access, { kind, role, ownerRole, scopes = [] }: Position): boolean {
  const { roles, scopes: wanted } = admission(access);
  if (roles === null) return true;
  if (kind !== "key" || !wanted) return role !== null && roles.includes(role);
  const named = wanted.of.filter((permission) => scopes.includes(permission)).length;
  const enough = wanted.all ? named === wanted.of.length : named > 0;
  return ownerRole !== undefined && roles.includes(ownerRole) && enough;
}
