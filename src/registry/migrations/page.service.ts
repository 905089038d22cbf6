import { and, count, eq, inArray, lt, sql } from "drizzle-orm";
import type { RegistryDb } from "../../db/connect.ts";
import { must, type Write, write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { LeaseHeld } from "../operations/lease.service.ts";
import type { FleetScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import type { Behind } from "./behind.ts";
import { bringUp, failuresOf, migratedOf, type Outcome, recordsOf } from "./bring-up.ts";
import { migrationFailures, migrationRuns } from "./migrations.table.ts";
import { advance } from "./waves.ts";

export type Run = typeof migrationRuns.$inferSelect;

/** A Worker may have six connections under way. */
const mostAtOnce = 6;
/** One tenant may take this part of a lease. None is begun that could outlive it. */
const partOfLease = 3;

/** The run while it is this driver's turn. */
export const mineOf = ({ id, turn }: Pick<Run, "id" | "turn">) =>
  and(eq(migrationRuns.id, id), eq(migrationRuns.turn, turn), eq(migrationRuns.status, "running"));

export const rowOf = (db: RegistryDb, id: string) =>
  db.select().from(migrationRuns).where(eq(migrationRuns.id, id));

/** Migrates these tenants, a few at a time, and returns where the run stands then. */
export async function drivePage(
  scope: FleetScope,
  run: Run,
  page: readonly Behind[],
  atOnce = mostAtOnce,
): Promise<Run> {
  const began = Date.now();
  const lease = began + scope.migrationLeaseMs;
  const claimed = await claim(scope, run, page, lease);
  const ms = Math.floor(scope.migrationLeaseMs / partOfLease);
  const queue = claimed.values();
  const outcomes: Outcome[] = [];
  const work = async () => {
    for (const tenant of queue) {
      const late = Date.now() + ms > lease;
      outcomes.push(late ? { id: tenant.id, is: "left" } : await bringUp(scope, tenant, ms));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, mostAtOnce) }, work));
  return await record(scope, run, page, outcomes, { lease, began });
}

/** Takes those of the page that nobody holds, for as long as the run itself is held. */
async function claim(scope: FleetScope, run: Run, page: readonly Behind[], lease: number) {
  const { db } = scope;
  const ids = page.map(({ id }) => id);
  const now = Date.now();
  const hold = db.update(migrationRuns).set({ leaseUntil: lease, updatedAt: now });
  const free = and(inArray(tenants.id, ids), lt(tenants.migrationLeaseUntil, now));
  const writes = [
    must(hold.where(mineOf(run)), () => new LeaseHeld(run.id)),
    write(db.update(tenants).set({ migrationLeaseUntil: lease }).where(free)),
  ];
  const held = and(inArray(tenants.id, ids), eq(tenants.migrationLeaseUntil, lease));
  const [rows] = await commit(scope, writes, [
    db.select({ id: tenants.id }).from(tenants).where(held),
  ] as const);
  const mine = new Set(rows.map(({ id }) => id));
  return page.filter(({ id }) => mine.has(id));
}

/** What became of the tenants is true even where the turn is over meanwhile; where the run stands is not. */
async function record(
  scope: FleetScope,
  run: Run,
  page: readonly Behind[],
  outcomes: readonly Outcome[],
  { lease, began }: { lease: number; began: number },
): Promise<Run> {
  const { db } = scope;
  const now = Date.now();
  const failures = failuresOf(outcomes);
  const tried = migratedOf(outcomes).length + failures.length;
  const last = page.at(-1);
  const place =
    run.wave > 0 && last ? { cursorVersion: last.schemaVersion, cursorId: last.id } : {};
  const standing = {
    ...advance(run, tried, failures.length),
    ...place,
    leftOut: run.leftOut || tried < page.length,
    drivenMs: sql`${migrationRuns.drivenMs} + ${now - began}`,
    updatedAt: now,
  };
  const move = db
    .update(migrationRuns)
    .set({ ...standing, leaseUntil: standing.status === "running" ? lease : 0 })
    .where(mineOf(run));
  const [[after]] = await commit(
    scope,
    [
      ...counted(db, run, migratedOf(outcomes)),
      ...recordsOf(db, outcomes, lease),
      ...noted(db, run, failures, now),
      write(move),
    ],
    [rowOf(db, run.id)] as const,
  );
  if (!after || after.turn !== run.turn) throw new LeaseHeld(run.id);
  return after;
}

/** Before they are marked as migrated, so that two drivers count nobody twice. */
const counted = (db: RegistryDb, { id, target }: Run, ids: readonly string[]): Write[] => {
  if (ids.length === 0) return [];
  const still = and(inArray(tenants.id, [...ids]), lt(tenants.schemaVersion, target));
  const fresh = db.select({ rows: count() }).from(tenants).where(still);
  const migrated = sql`${migrationRuns.migrated} + (${fresh})`;
  return [write(db.update(migrationRuns).set({ migrated }).where(eq(migrationRuns.id, id)))];
};

type Failure = ReturnType<typeof failuresOf>[number];

function noted(db: RegistryDb, { id }: Run, failures: readonly Failure[], at: number): Write[] {
  if (failures.length === 0) return [];
  const rows = failures.map((one) => ({ runId: id, tenantId: one.id, error: one.error, at }));
  const all = db
    .select({ rows: count() })
    .from(migrationFailures)
    .where(eq(migrationFailures.runId, id));
  return [
    write(db.insert(migrationFailures).values(rows).onConflictDoNothing()),
    write(
      db
        .update(migrationRuns)
        .set({ failed: sql`(${all})` })
        .where(eq(migrationRuns.id, id)),
    ),
  ];
}
