import { eq } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { isoOrNull } from "../../db/columns.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { write } from "../../db/write.ts";
import { examine } from "../../tenant/identity/examine.ts";
import { commit } from "../commit.ts";
import type { RegistryScope, WorkScope } from "../scope.ts";
import type { TenantHealthReport } from "./admin.schema.ts";
import { noSuchTenant } from "./admin.service.ts";
import { openOf } from "./locate.service.ts";
import { tenants } from "./tenants.table.ts";

/** Less than a request has: the answer is to say that the database gave none. */
const patienceMs = 2500;

/** Asks the tenant's database now, and tells how it went. Whatever fails is part of the answer. */
export async function reportHealth(scope: WorkScope, id: string): Promise<TenantHealthReport> {
  const { db } = scope;
  const [[tenant]] = await batch(db, "read", [
    db.select().from(tenants).where(eq(tenants.id, id)),
  ] as const);
  if (!tenant) throw noSuchTenant();
  const found = await lookAt(scope, tenant);
  return {
    ...found,
    lastCheckup: {
      status: tenant.healthStatus,
      error: tenant.healthError,
      latencyMs: tenant.latencyMs,
      checkedAt: isoOrNull(tenant.healthCheckedAt),
    },
    lastBackupAt: isoOrNull(tenant.lastBackupAt),
  };
}

const unseen = { latencyMs: null, schemaVersion: null, schemaIsCurrent: null, isOurs: null };

async function lookAt(scope: WorkScope, tenant: typeof tenants.$inferSelect) {
  const ill = { ...unseen, status: "unhealthy" as const, reachable: false };
  if (!tenant.sealedToken) return { ...ill, error: `It has no token: it is ${tenant.status}` };
  try {
    const seen = await examine(await openOf(scope, tenant, patienceMs));
    const { latencyMs, schemaVersion, stamp } = seen;
    const schemaIsCurrent = schemaVersion >= tenantMigrations.length;
    const isOurs = stamp?.tenantId === tenant.id;
    const told = { reachable: true, latencyMs, schemaVersion, schemaIsCurrent, isOurs };
    return isOurs
      ? { ...told, status: "healthy" as const, error: null }
      : { ...told, status: "unhealthy" as const, error: "The database is not this tenant's" };
  } catch (error) {
    return { ...ill, error: describeIllness(error) };
  }
}

/** Our own words only: what a server says may hold anything. */
export const describeIllness = (error: unknown): string =>
  error instanceof ApiError ? `${error.code}: ${error.message}` : "internal_error";

/** What the clock found at a tenant. */
export type Checkup = {
  readonly tenantId: string;
  readonly latencyMs: number | null;
  readonly error: string | null;
};

/** Written down without a line in the log and without a new version: nobody changed anything. */
export async function saveCheckups(
  scope: RegistryScope,
  checkups: readonly Checkup[],
): Promise<void> {
  if (checkups.length === 0) return;
  const { db } = scope;
  const healthCheckedAt = Date.now();
  const writes = checkups.map(({ tenantId, latencyMs, error }) => {
    const healthStatus = error === null ? ("healthy" as const) : ("unhealthy" as const);
    const found = { healthStatus, healthError: error, latencyMs, healthCheckedAt };
    return write(db.update(tenants).set(found).where(eq(tenants.id, tenantId)));
  });
  await commit(scope, writes);
}
