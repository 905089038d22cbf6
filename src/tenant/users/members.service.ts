import { and, count, eq, isNull, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { type Accepted, atVersion, iso } from "../../db/columns.ts";
import type { TenantDb } from "../../db/connect.ts";
import { pageOf } from "../../db/page.ts";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { mine } from "../principal.ts";
import { read } from "../read.ts";
import { proved } from "../rights.ts";
import { isBy, type TenantScope } from "../scope.ts";
import { touched } from "../stamps.ts";
import type { TenantMember, TenantMemberPatch, TenantMembersQuery } from "./members.schema.ts";
import { explain, identitiesOf, living } from "./users.refusal.ts";
import { ownerRemains, owning, ruled } from "./users.rules.ts";
import { noSuchUser } from "./users.service.ts";
import { users } from "./users.table.ts";
import { deleteUser } from "./users.write.service.ts";

const columns = {
  userId: users.id,
  name: users.name,
  email: users.email,
  status: users.status,
  tenantRole: users.tenantRole,
  version: users.version,
  createdAt: users.createdAt,
};

export async function listTenantMembers(scope: TenantScope, query: TenantMembersQuery) {
  const { db, tenant } = scope;
  const { tenantRole } = query;
  const filter = and(
    isNull(users.deletedAt),
    tenantRole ? eq(users.tenantRole, tenantRole) : undefined,
  );
  const page = pageOf(query, {
    list: `members of ${tenant.id}`,
    columns: { createdAt: users.createdAt },
    id: users.id,
  });
  const [rows, [counted]] = await read(scope, [
    db
      .select(columns)
      .from(users)
      .where(and(filter, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(users).where(filter),
  ] as const);
  return page.result(rows, counted?.total ?? 0, (row) => [row.createdAt, row.userId], toWire);
}

/**
 * Owners give any role, admins what is below them; an owner remains. The tenant's own database first,
 * then the registry's index: a repeated request mends what the second step missed.
 */
export async function changeTenantRole(
  scope: TenantScope,
  id: string,
  { tenantRole }: TenantMemberPatch,
  accepted: Accepted,
): Promise<TenantMember> {
  const { db, directory, request } = scope;
  const rule = tenantRole === "owner" ? owning : ruled;
  const change = db
    .update(users)
    .set({ tenantRole, ...touched(users.version, request.now) })
    .where(
      and(
        living(id),
        rule(proved),
        atVersion(users.version, accepted),
        tenantRole === "owner" ? undefined : ownerRemains,
      ),
    );
  const [rows, identities] = await commit(
    scope,
    [must(change, () => explain(scope, id, { accepted, rule, tenantRole }))],
    [memberQuery(db, id), identitiesOf(scope, id)] as const,
  );
  await directory.saveMemberships(identities.map((each) => ({ ...each, role: tenantRole })));
  return toMember(rows);
}

export const removeTenantMember = (
  scope: TenantScope,
  id: string,
  accepted: Accepted,
): Promise<void> => deleteUser(scope, id, accepted, ruled);

/** Nobody is asked whether they may leave: only the last owner stays. */
export async function leaveTenant(scope: TenantScope): Promise<void> {
  const me = mine(scope, "linkedTo");
  await deleteUser(scope, me, undefined, () => sql`true`).catch(async (refused) => {
    if (refused instanceof ApiError && refused.code === "tenant_forbidden") await mendLeave(scope);
    throw refused;
  });
}

/** Who has left is nobody here any more, and yet listed if the registry missed it. */
async function mendLeave(scope: TenantScope): Promise<void> {
  if (!isBy(scope, "user")) return;
  const { caller, directory } = scope;
  const listed = await directory.findMembership(caller);
  if (listed?.status === "active") await directory.removeMemberships([caller]);
}

const memberQuery = (db: TenantDb, id: string) => db.select(columns).from(users).where(living(id));

type Row = Awaited<ReturnType<typeof memberQuery>>[number];

const toWire = (row: Row): TenantMember => ({ ...row, createdAt: iso(row.createdAt) });

function toMember([row]: readonly Row[]): TenantMember {
  if (!row) throw noSuchUser();
  return toWire(row);
}
