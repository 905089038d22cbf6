import { and, count, eq, inArray } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { iso } from "../../db/columns.ts";
import { pageOf } from "../../db/page.ts";
import { memberships } from "../memberships/memberships.table.ts";
import type { IdentityScope } from "../scope.ts";
import type { MyTenant, MyTenantsQuery } from "./tenants.schema.ts";
import { tenants } from "./tenants.table.ts";

/** The caller's tenants that are there, as the registry's index has them. */
export async function listMyTenants({ caller, db }: IdentityScope, query: MyTenantsQuery) {
  const page = pageOf(query, {
    list: `tenants of ${caller.issuer} ${caller.subject}`,
    columns: { createdAt: tenants.createdAt, name: tenants.name },
    id: tenants.id,
  });
  const mine = and(
    eq(memberships.issuer, caller.issuer),
    eq(memberships.subject, caller.subject),
    inArray(tenants.status, ["active", "suspended", "deleting"]),
  );
  const joined = eq(memberships.tenantId, tenants.id);
  const [rows, [counted]] = await batch(db, "read", [
    db
      .select({
        id: tenants.id,
        slug: tenants.slug,
        name: tenants.name,
        status: tenants.status,
        plan: tenants.plan,
        role: memberships.role,
        createdAt: tenants.createdAt,
      })
      .from(memberships)
      .innerJoin(tenants, joined)
      .where(and(mine, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(memberships).innerJoin(tenants, joined).where(mine),
  ] as const);
  return page.result(
    rows,
    counted?.total ?? 0,
    (row) => [row[query.sortBy], row.id],
    (row): MyTenant => ({ ...row, createdAt: iso(row.createdAt) }),
  );
}
