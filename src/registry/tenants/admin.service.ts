import { and, count, eq, like, or, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { type Accepted, atVersion, iso, isoOrNull } from "../../db/columns.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { pageOf } from "../../db/page.ts";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import type { RegistryScope } from "../scope.ts";
import type { AdminTenant, AdminTenantPatch, AdminTenantsQuery } from "./admin.schema.ts";
import { tenants } from "./tenants.table.ts";

const shown = {
  id: tenants.id,
  slug: tenants.slug,
  name: tenants.name,
  status: tenants.status,
  statusReason: tenants.statusReason,
  statusSince: tenants.statusSince,
  deleteAfter: tenants.deleteAfter,
  legalHold: tenants.legalHold,
  databaseAccess: tenants.databaseAccess,
  plan: tenants.plan,
  region: tenants.region,
  schemaVersion: tenants.schemaVersion,
  features: tenants.features,
  organizationId: tenants.organizationId,
  version: tenants.version,
  createdAt: tenants.createdAt,
  updatedAt: tenants.updatedAt,
};
type Row = Pick<typeof tenants.$inferSelect, keyof typeof shown>;

export async function listTenants({ db }: RegistryScope, query: AdminTenantsQuery) {
  const page = pageOf(query, {
    list: "tenants",
    columns: { createdAt: tenants.createdAt, name: tenants.name },
    id: tenants.id,
  });
  const { search, status } = query;
  const pattern = search && `%${search.replaceAll(/[\\%_]/g, "\\$&")}%`;
  const contains = (column: typeof tenants.name | typeof tenants.slug) =>
    sql`${like(column, pattern as string)} escape '\\'`;
  const filter = and(
    status && eq(tenants.status, status),
    pattern ? or(contains(tenants.name), contains(tenants.slug)) : undefined,
  );
  const [rows, [counted]] = await batch(db, "read", [
    db
      .select(shown)
      .from(tenants)
      .where(and(filter, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(tenants).where(filter),
  ] as const);
  return page.result(rows, counted?.total ?? 0, (row) => [row[query.sortBy], row.id], toWire);
}

export async function getTenant({ db }: RegistryScope, id: string): Promise<AdminTenant> {
  const [[row]] = await batch(db, "read", [
    db.select(shown).from(tenants).where(eq(tenants.id, id)),
  ] as const);
  if (!row) throw noSuchTenant();
  return toWire(row);
}

/** Workers learn of it when they next look the tenant up, after `ROUTE_CACHE_SECONDS` at the latest. */
export async function updateTenant(
  scope: RegistryScope,
  id: string,
  { features, organizationId }: AdminTenantPatch,
  accepted: Accepted,
): Promise<AdminTenant> {
  const { db, request } = scope;
  const merged = features && sql`json_patch(${tenants.features}, ${JSON.stringify(features)})`;
  const update = db
    .update(tenants)
    .set({
      ...(merged && { features: merged }),
      ...(organizationId !== undefined && { organizationId }),
      version: sql`${tenants.version} + 1`,
      updatedAt: request.now,
    })
    .where(and(eq(tenants.id, id), atVersion(tenants.version, accepted)));
  const stale = async () => {
    await getTenant(scope, id);
    return new ApiError("precondition_failed", "The tenant changed since you read it");
  };
  const [[row]] = await commit(scope, [must(update, stale)], [
    db.select(shown).from(tenants).where(eq(tenants.id, id)),
  ] as const).catch((error) => {
    throw isUniqueViolation(error, "tenants.organization_id")
      ? new ApiError(
          "organization_taken",
          `The organisation ${organizationId} names another tenant`,
        )
      : error;
  });
  if (!row) throw noSuchTenant();
  return toWire(row);
}

const toWire = ({ createdAt, updatedAt, statusSince, deleteAfter, ...row }: Row): AdminTenant => ({
  ...row,
  statusSince: isoOrNull(statusSince),
  deleteAfter: isoOrNull(deleteAfter),
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
});

const noSuchTenant = () => new ApiError("not_found", "No such tenant");
