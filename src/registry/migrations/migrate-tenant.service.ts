import { and, eq, lt } from "drizzle-orm";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { LeaseHeld } from "../operations/lease.service.ts";
import type { FleetScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { behindColumns, isBehind, target } from "./behind.ts";
import { bringUp, type Outcome, recordsOf } from "./bring-up.ts";

/**
 * Migrates one tenant, unless somebody else is at it or it is up to date: then undefined. A failure is
 * written down, and keeps requests from trying again for a while.
 */
export async function migrateTenant(scope: FleetScope, id: string): Promise<Outcome | undefined> {
  const { db, migrationLeaseMs } = scope;
  const now = Date.now();
  const lease = now + migrationLeaseMs;
  const free = and(eq(tenants.id, id), isBehind(target), lt(tenants.migrationLeaseUntil, now));
  const claim = db.update(tenants).set({ migrationLeaseUntil: lease }).where(free);
  const [[claimed]] = await commit(scope, [must(claim, () => new LeaseHeld(id))], [
    db.select(behindColumns).from(tenants).where(eq(tenants.id, id)),
  ] as const).catch(unlessHeld);
  if (!claimed) return undefined;
  // What is left of the lease is for writing down what came of it.
  const outcome = await bringUp(scope, claimed, Math.floor(migrationLeaseMs * 0.8));
  await commit(scope, recordsOf(db, [outcome], lease));
  return outcome;
}

function unlessHeld(error: unknown): [[]] {
  if (!(error instanceof LeaseHeld)) throw error;
  return [[]];
}
