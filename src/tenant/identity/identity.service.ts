import { sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { type Accepted, atVersion, iso } from "../../db/columns.ts";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import type { Tenant, TenantPatch } from "./identity.schema.ts";
import { tenantIdentity } from "./identity.table.ts";

export async function getTenant(scope: TenantScope): Promise<Tenant> {
  const [rows] = await read(scope, [profile(scope)] as const);
  return toTenant(rows);
}

/** The tenant's own database first, then the registry's index; repeating the call mends the second. */
export async function renameTenant(
  scope: TenantScope,
  { name }: TenantPatch,
  accepted: Accepted,
): Promise<Tenant> {
  const update = scope.db
    .update(tenantIdentity)
    .set({
      name,
      version: sql`${tenantIdentity.version} + 1`,
      updatedAt: scope.request.now,
      updatedBy: sql`(select actor_id from audit_context)`,
    })
    .where(atVersion(tenantIdentity.version, accepted));
  const stale = () => new ApiError("precondition_failed", "The tenant changed since you read it");
  const [rows] = await commit(scope, [must(update, stale)], [profile(scope)] as const);
  await scope.directory.rename(name);
  return toTenant(rows);
}

const profile = ({ db }: TenantScope) => db.select().from(tenantIdentity);

function toTenant([row]: (typeof tenantIdentity.$inferSelect)[]): Tenant {
  if (!row) throw new ApiError("not_found", "No such tenant");
  const { tenantId, slug, name, status, defaultAccountId, version, createdAt, updatedAt } = row;
  return {
    id: tenantId,
    slug,
    name,
    status,
    defaultAccountId,
    version,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}
