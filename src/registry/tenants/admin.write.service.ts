import { and, eq, type SQL, sql } from "drizzle-orm";
import { ApiError, invalidField } from "../../core/error.ts";
import { maxJsonBytes } from "../../core/json.ts";
import { batch } from "../../db/batch.ts";
import { type Accepted, atVersion } from "../../db/columns.ts";
import type { TenantDb } from "../../db/connect.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { must, provided } from "../../db/write.ts";
import { restampTenant } from "../../tenant/identity/found.service.ts";
import { commit } from "../commit.ts";
import type { RegistryScope } from "../scope.ts";
import type { AdminTenant, AdminTenantPatch } from "./admin.schema.ts";
import { getTenant, tenantQuery, toWire } from "./admin.service.ts";
import { tenants } from "./tenants.table.ts";

/**
 * What stands in the tenant's own stamp too is written there first: repeating the call mends the
 * registry. Workers learn of it when they next look the tenant up, after `ROUTE_CACHE_SECONDS` at the latest.
 */
export async function updateTenant(
  scope: RegistryScope,
  id: string,
  patch: AdminTenantPatch,
  accepted: Accepted,
  openTenant: () => Promise<TenantDb>,
): Promise<AdminTenant> {
  const { db, request } = scope;
  const { name, plan, features, limits, metadata, organizationId } = patch;
  const { version } = tenants;
  const merge = (column: SQL, value: object) =>
    sql`json_patch(${column}, ${JSON.stringify(value)})`;
  const update = db
    .update(tenants)
    .set({
      ...(name !== undefined && { name }),
      ...(plan !== undefined && { plan }),
      ...(features && { features: merge(sql`${tenants.features}`, features) }),
      ...(limits && { limits: merge(sql`${tenants.limits}`, limits) }),
      ...(metadata && { metadata: merge(sql`${tenants.metadata}`, metadata) }),
      ...(organizationId !== undefined && { organizationId }),
      version: sql`${version} + 1`,
      updatedAt: request.now,
    })
    .where(and(eq(tenants.id, id), atVersion(version, accepted)));
  const stale = async () => {
    await getTenant(scope, id);
    return new ApiError("precondition_failed", "The tenant changed since you read it");
  };
  const stamped = { name, plan, organizationId };
  const stamps = Object.values(stamped).some((value) => value !== undefined);
  if (stamps && (await isPossible(scope, id, patch, accepted)))
    await restampTenant({ db: await openTenant(), request, tenant: { id } }, scope.actor, stamped);
  const bounded = (["features", "limits", "metadata"] as const).filter((field) => patch[field]);
  const writes = [
    must(update, stale),
    ...bounded.map((field) => provided(fits(id, field), tooLarge(field))),
  ];
  const [[row]] = await commit(scope, writes, [tenantQuery(scope, id)] as const).catch((error) => {
    throw isUniqueViolation(error, "tenants.organization_id") ? taken(organizationId) : error;
  });
  return toWire(row);
}

/** What is going to be refused leaves no trace in the tenant. The registry's own batch decides, and says why. */
async function isPossible(
  { db }: RegistryScope,
  id: string,
  { organizationId }: AdminTenantPatch,
  accepted: Accepted,
): Promise<boolean> {
  const { version } = tenants;
  const [[tenant], [other]] = await batch(db, "read", [
    db.select({ version }).from(tenants).where(eq(tenants.id, id)),
    db
      .select({ id: tenants.id })
      .from(tenants)
      .where(eq(tenants.organizationId, organizationId ?? "")),
  ] as const);
  const isStale = Array.isArray(accepted) && !accepted.includes(tenant?.version);
  return tenant !== undefined && !isStale && (other?.id ?? id) === id;
}

const taken = (organizationId: string | null | undefined) =>
  new ApiError("organization_taken", `The organisation ${organizationId} names another tenant`);

type Bounded = "features" | "limits" | "metadata";
const fits = (id: string, field: Bounded) =>
  sql`(select length(cast(${tenants[field]} as blob)) <= ${maxJsonBytes} from ${tenants} where ${tenants.id} = ${id})`;

const tooLarge = (field: Bounded) => () => {
  const message = `would hold more than ${maxJsonBytes} bytes`;
  return invalidField(`${field}: ${message}`, { in: "body", path: field, message });
};
