import { and, count, eq, isNull, or, type SQL, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { iso, isoOrNull } from "../../db/columns.ts";
import { pageOf } from "../../db/page.ts";
import { contains } from "../../db/search.ts";
import type { RegistryScope } from "../scope.ts";
import type { AdminTenant, AdminTenantsQuery } from "./admin.schema.ts";
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
  limits: tenants.limits,
  metadata: tenants.metadata,
  organizationId: tenants.organizationId,
  healthStatus: tenants.healthStatus,
  healthError: tenants.healthError,
  healthCheckedAt: tenants.healthCheckedAt,
  latencyMs: tenants.latencyMs,
  lastBackupAt: tenants.lastBackupAt,
  tokenExpiresAt: tenants.tokenExpiresAt,
  version: tenants.version,
  createdAt: tenants.createdAt,
  updatedAt: tenants.updatedAt,
};
type Row = Pick<typeof tenants.$inferSelect, keyof typeof shown>;

export async function listTenants({ db }: RegistryScope, query: AdminTenantsQuery) {
  const page = pageOf(query, {
    list: "tenants",
    columns: { createdAt: tenants.createdAt, name: tenants.name, slug: tenants.slug },
    id: tenants.id,
  });
  const filter = matches(query);
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

/** A filter narrows what comes in the order asked for: the index is the order's, hence the `+`. */
function matches({ search, ...query }: AdminTenantsQuery): SQL | undefined {
  const { id, name, slug, status, plan, region, schemaVersion, healthStatus } = tenants;
  const { health } = query;
  return and(
    search ? or(contains(name, search), contains(slug, search), eq(id, search)) : undefined,
    query.status && eq(status, query.status),
    query.plan ? eq(plan, query.plan) : undefined,
    query.region ? eq(region, query.region) : undefined,
    query.schemaVersion === undefined ? undefined : sql`+${schemaVersion} = ${query.schemaVersion}`,
    health && (health === "unknown" ? isNull(healthStatus) : eq(healthStatus, health)),
  );
}

/** In any batch: what `toWire` makes an `AdminTenant` of. */
export const tenantQuery = ({ db }: RegistryScope, id: string) =>
  db.select(shown).from(tenants).where(eq(tenants.id, id));

export async function getTenant(scope: RegistryScope, id: string): Promise<AdminTenant> {
  const [[row]] = await batch(scope.db, "read", [tenantQuery(scope, id)] as const);
  return toWire(row);
}

export function toWire(row: Row | undefined): AdminTenant {
  if (!row) throw noSuchTenant();
  const { healthStatus, healthError, healthCheckedAt, latencyMs, ...told } = row;
  return {
    ...told,
    health: {
      status: healthStatus,
      error: healthError,
      latencyMs,
      checkedAt: isoOrNull(healthCheckedAt),
    },
    statusSince: isoOrNull(row.statusSince),
    deleteAfter: isoOrNull(row.deleteAfter),
    lastBackupAt: isoOrNull(row.lastBackupAt),
    tokenExpiresAt: isoOrNull(row.tokenExpiresAt),
    createdAt: iso(row.createdAt),
    updatedAt: iso(row.updatedAt),
  };
}

export const noSuchTenant = () => new ApiError("not_found", "No such tenant");
