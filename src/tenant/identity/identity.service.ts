import { ApiError } from "../../core/error.ts";
import { type Accepted, atVersion, iso, isoOrNull } from "../../db/columns.ts";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import { touched } from "../stamps.ts";
import { schemaVersionQuery } from "./examine.ts";
import type { Tenant, TenantHealth, TenantPatch } from "./identity.schema.ts";
import { tenantIdentity } from "./identity.table.ts";

export async function getTenant(scope: TenantScope): Promise<Tenant> {
  const [rows] = await read(scope, [profile(scope)] as const);
  return toTenant(scope, rows);
}

/** The tenant's own database first, then the registry's index; repeating the call mends the second. */
export async function renameTenant(
  scope: TenantScope,
  { name }: TenantPatch,
  accepted: Accepted,
): Promise<Tenant> {
  const update = scope.db
    .update(tenantIdentity)
    .set({ name, ...touched(tenantIdentity.version, scope.request.now) })
    .where(atVersion(tenantIdentity.version, accepted));
  // A rename that lost its second half is made whole by its repetition, which comes with a stale tag.
  const stale = async () => {
    const now = await getTenant(scope);
    if (now.name === name) await scope.directory.rename(name);
    return new ApiError("precondition_failed", "The tenant changed since you read it");
  };
  const [rows] = await commit(scope, [must(update, stale)], [profile(scope)] as const);
  await scope.directory.rename(name);
  return toTenant(scope, rows);
}

/** Being let in is the proof that the database is there and the tenant's own. */
export async function getTenantHealth(scope: TenantScope): Promise<TenantHealth> {
  const began = Date.now();
  const { slug } = tenantIdentity;
  const [[stamp], [schema]] = await read(scope, [
    scope.db.select({ slug }).from(tenantIdentity),
    schemaVersionQuery(scope.db),
  ] as const);
  const latencyMs = Date.now() - began;
  if (!stamp) throw new ApiError("not_found", "No such tenant");
  return { slug: stamp.slug, status: "healthy", latencyMs, schemaVersion: schema?.version ?? 0 };
}

export const profile = ({ db }: TenantScope) => db.select().from(tenantIdentity);

export function toTenant(
  { tenant }: TenantScope,
  [row]: (typeof tenantIdentity.$inferSelect)[],
): Tenant {
  if (!row) throw new ApiError("not_found", "No such tenant");
  const { tenantId, slug, name, status, deleteAfter, defaultAccountId } = row;
  const { version, createdAt, updatedAt } = row;
  return {
    id: tenantId,
    slug,
    name,
    status,
    defaultAccountId,
    deleteAfter: isoOrNull(deleteAfter),
    features: Object.keys(tenant.features).filter((name) => tenant.features[name] === true),
    version,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}
