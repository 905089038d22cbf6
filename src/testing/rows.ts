import { and, eq } from "drizzle-orm";
import { newId } from "../core/id.ts";
import type { AccountRole, TenantRole } from "../core/roles.ts";
import { batch } from "../db/batch.ts";
import type { TenantDb } from "../db/connect.ts";
import { memberships } from "../registry/memberships/memberships.table.ts";
import { accountMembers, accounts } from "../tenant/accounts/accounts.table.ts";
import type { AuditLog } from "../tenant/audit/audit.schema.ts";
import { users } from "../tenant/users/users.table.ts";
import { beside } from "./dump.ts";
import {
  type Member,
  newPerson,
  type Person,
  registry,
  settings,
  type TestTenant,
} from "./harness.ts";

type UserRow = Partial<typeof users.$inferInsert>;

/** Users nobody can sign in as, by the back door. What a row leaves out is made up. Returns their ids. */
export async function placeUsers(db: TenantDb, rows: readonly UserRow[]): Promise<string[]> {
  const now = Date.now();
  const values = rows.map((row, i) => {
    const id = newId("user", now + i);
    return {
      id,
      email: `${id}@rows.test`,
      name: "Row",
      status: "pending" as const,
      tenantRole: "member" as const,
      createdAt: now + i,
      updatedAt: now + i,
      ...row,
    };
  });
  await batch(db, "write", [db.insert(users).values(values)] as const);
  return values.map(({ id }) => id);
}

/** An account beside the tenant's first. */
export async function placeAccount(
  db: TenantDb,
  name: string,
  row: Partial<typeof accounts.$inferInsert> = {},
): Promise<string> {
  const id = newId("account");
  const now = Date.now();
  const values = { id, name, createdAt: now, updatedAt: now, ...row };
  await batch(db, "write", [db.insert(accounts).values(values)] as const);
  return id;
}

export async function placeInAccount(
  db: TenantDb,
  accountId: string,
  userId: string,
  role: AccountRole,
): Promise<void> {
  const values = { accountId, userId, role, createdAt: Date.now() };
  await batch(db, "write", [db.insert(accountMembers).values(values)] as const);
}

/** A membership that waits in the registry, as an accepted invitation leaves it. */
export async function placeMembership(
  tenantId: string,
  { subject }: Person,
  role: TenantRole = "member",
  accountRole: AccountRole | null = null,
): Promise<void> {
  const { issuer } = settings.identityProvider;
  const who = { issuer, subject, tenantId, role, accountRole };
  const values = { ...who, status: "waiting" as const, createdAt: Date.now() };
  await batch(registry, "write", [registry.insert(memberships).values(values)] as const);
}

export type Seat = { role?: TenantRole; accountRole?: AccountRole | null };

/** Somebody whose membership waits in the registry; every request names the tenant. */
export async function awaited(
  { id, slug }: Pick<TestTenant, "id" | "slug">,
  { role = "member", accountRole = "VIEWER" }: Seat = {},
  person: Person = newPerson(),
): Promise<Person> {
  await placeMembership(id, person, role, accountRole);
  return {
    ...person,
    call: (path, options = {}) =>
      person.call(path, { ...options, headers: { "x-tenant-id": slug, ...options.headers } }),
  };
}

/** A member who came in through the registry, and whom its index therefore knows. */
export async function joinTenant(
  tenant: Pick<TestTenant, "id" | "slug">,
  person: Person,
  role: TenantRole = "member",
): Promise<Member> {
  const newcomer = await awaited(tenant, { role, accountRole: null }, person);
  const { body } = await newcomer.call<{ membership: { userId: string } }>("/api/v1/auth/me");
  return { ...newcomer, userId: body.membership.userId };
}

/** What the registry has of this person in the tenant. */
export const indexOf = async ({ id }: TestTenant, { subject }: Pick<Person, "subject">) => {
  const mine = and(eq(memberships.tenantId, id), eq(memberships.subject, subject));
  const [rows] = await batch(registry, "read", [
    registry
      .select({ role: memberships.role, status: memberships.status })
      .from(memberships)
      .where(mine),
  ]);
  return rows;
};

/** The tenant's audit log as its API shows it, oldest first, without what is noted beside requests. */
export async function auditOf(
  { call }: Pick<Member, "call">,
  query: Record<string, string>,
): Promise<AuditLog[]> {
  const asked = new URLSearchParams({ sortOrder: "asc", limit: "100", ...query });
  const { status, body } = await call<{ data: AuditLog[] }>(`/api/v1/audit-logs?${asked}`);
  if (status !== 200) throw new Error(`audit log: ${status} ${JSON.stringify(body)}`);
  return body.data.filter(({ entity }) => !beside.includes(entity));
}
