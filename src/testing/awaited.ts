import { and, eq } from "drizzle-orm";
import type { AccountRole, TenantRole } from "../core/roles.ts";
import { batch } from "../db/batch.ts";
import { memberships } from "../registry/memberships/memberships.table.ts";
import type { Answer, Call } from "./client.ts";
import { newPerson, type Person, registry, settings, type TestTenant } from "./harness.ts";

export type Seat = { role?: TenantRole; accountRole?: AccountRole | null };

export type Newcomer = Omit<Person, "call"> & {
  call(path: string, options?: Call): Promise<Answer>;
};

/** Somebody whose membership waits in the registry; every request names the tenant. */
export async function awaited(
  { id, slug }: TestTenant,
  { role = "member", accountRole = "VIEWER" }: Seat = {},
  person: Person = newPerson(),
): Promise<Newcomer> {
  const { issuer } = settings.identityProvider;
  const { subject } = person;
  const row = { issuer, subject, tenantId: id, role, accountRole, status: "waiting" } as const;
  await batch(registry, "write", [
    registry.insert(memberships).values({ ...row, createdAt: Date.now() }),
  ]);
  const call = (path: string, options: Call = {}) =>
    person.call(path, { ...options, headers: { "x-tenant-id": slug, ...options.headers } });
  return { ...person, call };
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
