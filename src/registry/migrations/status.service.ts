import { asc, count, inArray, isNotNull, sql } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import type { RegistryScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { migrationRuns } from "./migrations.table.ts";

type Noted = { readonly id: string; readonly slug: string; readonly why: string | null };

export type FleetStatus = {
  readonly versions: readonly { readonly version: number; readonly tenants: number }[];
  readonly quarantined: readonly Noted[];
  readonly drifted: readonly Noted[];
  /** The run that is going on. */
  readonly running: string | null;
};

/** Of those that need a look, so many are named. */
const most = 100;

/** Where the fleet is: tenants by schema version, and who needs a look. */
export async function getFleetStatus({ db }: RegistryScope): Promise<FleetStatus> {
  const { id, slug, schemaVersion: version, schemaDrift: drift, migrationFailedAt } = tenants;
  const [versions, quarantined, drifted, [run]] = await batch(db, "read", [
    db
      .select({ version, tenants: count() })
      .from(tenants)
      .where(inArray(tenants.status, ["active", "suspended", "deleting"]))
      .groupBy(version)
      .orderBy(asc(version)),
    db
      .select({ id, slug, why: tenants.migrationError })
      .from(tenants)
      .where(isNotNull(migrationFailedAt))
      .orderBy(asc(migrationFailedAt))
      .limit(most),
    db.select({ id, slug, why: drift }).from(tenants).where(isNotNull(drift)).limit(most),
    db.select({ id: migrationRuns.id }).from(migrationRuns).where(sql`status = 'running'`),
  ] as const);
  return { versions, quarantined, drifted, running: run?.id ?? null };
}
