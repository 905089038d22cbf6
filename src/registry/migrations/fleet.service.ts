import { and, count, eq, lt, lte } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import type { RegistryDb } from "../../db/connect.ts";
import { must, write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { LeaseHeld } from "../operations/lease.service.ts";
import type { FleetScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { isBehind, nextOf, target } from "./behind.ts";
import { migrationRuns } from "./migrations.table.ts";
import { drivePage, mineOf, type Run, rowOf } from "./page.service.ts";
import { roomIn, waves } from "./waves.ts";

const pageSize = 48;

export type Bounds = {
  readonly tenants?: number;
  /** Epoch milliseconds after which no page is begun. */
  readonly until?: number;
  readonly atOnce?: number;
  /** Told after every page. */
  readonly tell?: (run: Run) => void;
};

/** `held`: somebody else drives. `more`: the bounds were reached first. */
export type Driven = "over" | "held" | "more";

/**
 * Drives a run on, from where whoever drove it before left off. Only one does at a time; one that was
 * killed is followed by another once its lease has ended, and whatever it had done by then is found done.
 */
export async function driveRun(
  scope: FleetScope,
  id: string,
  bounds: Bounds = {},
): Promise<Driven> {
  const turn = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const run = await takeRun(scope, id, turn);
  if (run?.status !== "running") return "over";
  if (run.turn !== turn) return "held";
  try {
    return await drive(scope, run, bounds);
  } catch (error) {
    if (error instanceof LeaseHeld) return "held";
    throw error;
  }
}

const triedBy = ({ migrated, failed }: Run) => migrated + failed;

async function drive(scope: FleetScope, taken: Run, bounds: Bounds): Promise<Driven> {
  const { tenants: most = Number.POSITIVE_INFINITY, until = Number.POSITIVE_INFINITY } = bounds;
  const last = triedBy(taken) + most;
  let sweep: Sweep = { run: taken, since: -1 };
  while (sweep.run.status === "running") {
    const { run } = sweep;
    if (triedBy(run) >= last || Date.now() >= until) {
      await update(scope, run, { leaseUntil: 0 });
      return "more";
    }
    const room = Math.min(pageSize, roomIn(run), last - triedBy(run));
    const [page] = await batch(scope.db, "read", [nextOf(scope.db, run, room)] as const);
    sweep =
      page.length > 0
        ? { ...sweep, run: await drivePage(scope, run, page, bounds.atOnce) }
        : await endSweep(scope, sweep);
    bounds.tell?.(sweep.run);
  }
  return "over";
}

/** `since`: how many had been tried when the sweep before it ended. */
type Sweep = { readonly run: Run; readonly since: number };

/** A sweep that left somebody out and got nowhere gives those who hold the rest some time. */
async function endSweep(scope: FleetScope, { run, since }: Sweep): Promise<Sweep> {
  if (run.leftOut && triedBy(run) === since) await pause(scope.migrationLeaseMs / 10);
  const next = await update(scope, run, await atEndOfSweep(scope.db, run));
  return { run: next, since: run.leftOut ? triedBy(run) : since };
}

const pause = (ms: number) => new Promise((wake) => setTimeout(wake, Math.min(ms, 1000)));

/** Takes the run unless somebody holds it, and returns it as it is now either way. */
async function takeRun(scope: FleetScope, id: string, turn: number): Promise<Run | undefined> {
  const { db, migrationLeaseMs } = scope;
  const now = Date.now();
  const take = db
    .update(migrationRuns)
    .set({ turn, leaseUntil: now + migrationLeaseMs, updatedAt: now })
    .where(
      and(
        eq(migrationRuns.id, id),
        eq(migrationRuns.status, "running"),
        lt(migrationRuns.leaseUntil, now),
        // Code that is older than what the run is for cannot bring anybody there.
        lte(migrationRuns.target, target),
      ),
    );
  const [[run]] = await commit(scope, [write(take)], [rowOf(db, id)] as const);
  return run;
}

/** Changes the run, or throws `LeaseHeld` where the turn is over. Holds on to it. */
async function update(scope: FleetScope, run: Run, changes: Partial<Run>): Promise<Run> {
  const { db, migrationLeaseMs } = scope;
  const now = Date.now();
  const all = { leaseUntil: now + migrationLeaseMs, ...changes, updatedAt: now };
  const set = db.update(migrationRuns).set(all).where(mineOf(run));
  const [[after]] = await commit(scope, [must(set, () => new LeaseHeld(run.id))], [
    rowOf(db, run.id),
  ] as const);
  if (!after) throw new LeaseHeld(run.id);
  return after;
}

/** Canaries are one sweep; after them there is another for as long as somebody was left out. */
async function atEndOfSweep(db: RegistryDb, run: Run): Promise<Partial<Run>> {
  const afresh = { cursorVersion: -1, cursorId: "", leftOut: false };
  if (run.leftOut) return afresh;
  if (run.wave === 0) return { ...afresh, wave: 1, waveTried: 0, waveFailed: 0 };
  const [[left]] = await batch(db, "read", [
    db.select({ tenants: count() }).from(tenants).where(isBehind(run.target, run.options.only)),
  ] as const);
  // Those that came back behind the cursor: restored from a backup, or signed up by an older release.
  if ((left?.tenants ?? 0) > run.failed) return { ...afresh, wave: waves.length - 1 };
  const skipped = Math.max(0, run.total - run.migrated - run.failed);
  return { status: "succeeded", skipped, finishedAt: Date.now(), leaseUntil: 0 };
}
