import type { JobScope } from "../scope.ts";
import { driveRun } from "./fleet.service.ts";
import { findRunning, getRun } from "./runs.service.ts";

/** Of one call of the clock. The next one goes on. */
const mostTenants = 2000;
const runMs = 4 * 60_000;

/** Drives the run that is going on, if there is one. */
export async function migrateFleet(scope: JobScope) {
  const run = await findRunning(scope);
  if (!run) return { migrated: 0, failed: 0 };
  await driveRun(scope, run.id, { tenants: mostTenants, until: Date.now() + runMs });
  const { migrated, failed } = await getRun(scope, run.id);
  return { migrated: migrated - run.migrated, failed: failed - run.failed };
}
