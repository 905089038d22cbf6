import { and, eq, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { must } from "../../db/write.ts";
import type { DatabaseRules } from "../../platform/platform.ts";
import { changeStatus } from "../../tenant/identity/status.service.ts";
import { commit } from "../commit.ts";
import type { Tenant } from "../operations/kind.ts";
import type { RegistryScope, WorkScope } from "../scope.ts";
import { openOf } from "./locate.service.ts";
import type { Suspension } from "./suspension.schema.ts";
import { type DatabaseAccess, tenants } from "./tenants.table.ts";

export const rulesOf: Readonly<Record<DatabaseAccess, DatabaseRules>> = {
  open: { blockReads: false, blockWrites: false },
  readOnly: { blockReads: false, blockWrites: true },
  closed: { blockReads: true, blockWrites: true },
};

/** What the registry has of a tenant that is as usual. */
export const upAgain = {
  status: "active",
  statusReason: null,
  statusSince: null,
  deleteAfter: null,
  databaseAccess: "open",
} as const;

/**
 * The tenant's own stamp first, so that it holds on the next request everywhere; then the registry;
 * then the platform, which lets nothing through that knows of no stamps. Each may be repeated.
 */
export async function suspendTenant(
  scope: WorkScope,
  id: string,
  { reason, database }: Suspension,
): Promise<void> {
  const tenant = await statusOf(scope, id, ["active", "suspended"]);
  if (tenant.databaseAccess !== "open")
    await scope.platform.configure(tenant.databaseName, rulesOf.open);
  const from = ["active", "suspended"] as const;
  await stamp(scope, tenant, { from, to: "suspended", reason });
  await saveStatus(scope, tenant, {
    status: "suspended",
    statusReason: reason,
    statusSince: scope.request.now,
    databaseAccess: database,
  });
  await scope.platform.configure(tenant.databaseName, rulesOf[database]);
}

export async function reactivateTenant(scope: WorkScope, id: string): Promise<void> {
  // One whose owner brought it back may not be so here yet: its stamp decides.
  const tenant = await statusOf(scope, id, ["active", "suspended", "deleting"]);
  if (tenant.status !== "deleting")
    await scope.platform.configure(tenant.databaseName, rulesOf.open);
  const from =
    tenant.status === "deleting" ? (["active"] as const) : (["active", "suspended"] as const);
  await stamp(scope, tenant, { from, to: "active", reason: null });
  await saveStatus(scope, tenant, upAgain);
}

/** The tenant, if it is in one of these states: else 404 or 409. */
export async function statusOf(
  { db }: Pick<WorkScope, "db">,
  id: string,
  allowed: readonly Tenant["status"][],
): Promise<Tenant> {
  const [[tenant]] = await batch(db, "read", [
    db.select().from(tenants).where(eq(tenants.id, id)),
  ] as const);
  if (!tenant) throw new ApiError("not_found", "No such tenant");
  if (allowed.includes(tenant.status)) return tenant;
  throw new ApiError("conflict", `The tenant is ${tenant.status}`);
}

async function stamp(
  scope: WorkScope,
  tenant: Tenant,
  change: Omit<Parameters<typeof changeStatus>[1], "tenantId">,
): Promise<void> {
  const db = await openOf(scope, tenant);
  const { request, actor } = scope;
  const changed = () => new ApiError("conflict", "The tenant is being deleted");
  await changeStatus({ db, request, actor }, { tenantId: tenant.id, ...change }, changed);
}

/** If the tenant's row is as it was read: else 409, and the caller repeats what they wanted. */
export async function saveStatus(
  scope: RegistryScope,
  { id, version }: Pick<Tenant, "id" | "version">,
  values: Partial<Tenant>,
): Promise<void> {
  const { db, request } = scope;
  const change = { ...values, version: sql`${tenants.version} + 1`, updatedAt: request.now };
  const same = and(eq(tenants.id, id), eq(tenants.version, version));
  const changed = () => new ApiError("conflict", "The tenant changed meanwhile: try again");
  await commit(scope, [must(db.update(tenants).set(change).where(same), changed)]);
}
