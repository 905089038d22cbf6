import { and, asc, eq, ne, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { must, type Write, write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import type { WorkScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { undoWrites } from "./begin.ts";
import { type Found, Hopeless, type Tenant, type Work } from "./kind.ts";
import { LeaseHeld, mineOf, recordStep, type Turn } from "./lease.service.ts";
import { operationSteps, operations } from "./operations.table.ts";

/** After so many failures in a row, two days after the first, an operation that can be undone is. */
const patience = 100;
const firstPauseMs = 5000;
const longestPauseMs = 30 * 60_000;
/** So many leases for what takes long. */
const longer = 15;
/** How long whoever waits for a failure waits for it to be written down. */
const releaseMs = 1000;

/** A step failed: it is taken up again by itself. */
export class StepFailed extends Error {
  override readonly name = "StepFailed";
  readonly step: string;
  constructor(step: string, options: ErrorOptions) {
    super(`It stopped at "${step}"`, options);
    this.step = step;
  }
}

type Drive = { readonly scope: WorkScope; readonly turn: Turn; readonly until: number };
type Open = { readonly position: number; readonly name: string; readonly last: boolean };

/**
 * Carries the operation on, step by step, until it is over, `until` is past, or a step has to wait.
 * Throws `StepFailed` where a step fails, and `LeaseHeld` where somebody took over.
 */
export async function driveOperation(
  scope: WorkScope,
  turn: Turn,
  until = Number.POSITIVE_INFINITY,
): Promise<"over" | "later"> {
  const drive = { scope, turn, until };
  for (;;) {
    const { work, open } = await load(drive);
    const outcome = await carryOn(drive, work, open);
    if (outcome !== "given up") return outcome;
  }
}

async function load({ scope: { db }, turn: { operationId } }: Drive) {
  const [[row], steps] = await batch(db, "read", [
    db
      .select({ operation: operations, tenant: tenants })
      .from(operations)
      .innerJoin(tenants, eq(tenants.id, operations.tenantId))
      .where(eq(operations.id, operationId)),
    db
      .select({
        position: operationSteps.position,
        name: operationSteps.name,
        undoes: operationSteps.undoes,
      })
      .from(operationSteps)
      .where(
        and(eq(operationSteps.operationId, operationId), ne(operationSteps.status, "succeeded")),
      )
      .orderBy(asc(operationSteps.position)),
  ] as const);
  if (!row) throw new Error(`No operation ${operationId}`);
  const mine = steps.filter(({ undoes }) => undoes === row.operation.undoing);
  const open = mine.map((step, index) => ({ ...step, last: index === mine.length - 1 }));
  return { work: row, open };
}

async function carryOn(drive: Drive, work: Work, open: readonly Open[]) {
  let current = work;
  for (const step of open) {
    const after = await finish(drive, current, step);
    if (typeof after === "string") return after;
    current = after;
    if (!step.last && Date.now() > drive.until) return await letGo(drive, 0);
  }
  return "over" as const;
}

/** One step, until it is over or has to wait. What it put out goes on to the next. */
async function finish(drive: Drive, work: Work, step: Open): Promise<Work | "later" | "given up"> {
  for (let current = work; ; ) {
    const found = await attempt(drive, current, step);
    if (found === "given up") return found;
    const { operation, tenant } = current;
    const output = { ...operation.output, ...found.output };
    current = { operation: { ...operation, output }, tenant: { ...tenant, ...found.tenant } };
    const { againAfterMs } = found;
    if (againAfterMs === undefined) return current;
    if (againAfterMs > 0 || Date.now() > drive.until) return await letGo(drive, againAfterMs);
  }
}

async function attempt(drive: Drive, work: Work, step: Open): Promise<Found | "given up"> {
  const { kind, undoing } = work.operation;
  const { steps, undo, long } = drive.scope.kinds[kind];
  try {
    const take = (undoing ? undo : steps)?.[step.name];
    if (!take) throw new Error(`This release knows no step "${step.name}" of "${kind}"`);
    if (long?.includes(step.name)) await holdFor(drive, longer * drive.scope.leaseMs);
    const found = (await take(drive.scope, work)) ?? {};
    await record(drive, work, step, found);
    return found;
  } catch (error) {
    if (error instanceof LeaseHeld) throw error;
    if (await giveUp(drive, work, step, error)) return "given up";
    await release(drive, work, step, error);
    throw new StepFailed(step.name, { cause: error });
  }
}

async function record(
  { scope, turn }: Drive,
  { operation, tenant }: Work,
  { position, last }: Open,
  found: Found,
): Promise<void> {
  const now = Date.now();
  const done = found.againAfterMs === undefined;
  const progress = found.progress === undefined ? {} : { progress: found.progress };
  const step = done
    ? { status: "succeeded" as const, finishedAt: now }
    : { attempts: sql`${operationSteps.attempts}` };
  const status = operation.undoing ? ("failed" as const) : ("succeeded" as const);
  const over = { status, leaseUntil: 0, finishedAt: now };
  // Why it was given up stays on record.
  const error = operation.undoing ? {} : { error: null };
  await recordStep(
    scope,
    turn,
    {
      position,
      step: { ...step, ...progress, error: null },
      operation: {
        ...(done && last ? over : { leaseUntil: now + scope.leaseMs }),
        ...error,
        failures: 0,
      },
      output: found.output,
    },
    [...saved(scope, tenant, found.tenant), ...(found.also ?? [])],
  );
}

/**
 * A token or a pointer is of the database that was the tenant's when the step began. Where another one
 * has taken its place since, nothing is stored, and the step is for the next driver to take again.
 */
function saved({ db }: WorkScope, tenant: Tenant, found?: Partial<Tenant>): Write[] {
  if (!found) return [];
  const { id, databaseName } = tenant;
  const update = db.update(tenants).set({ ...found, updatedAt: Date.now() });
  if (!("sealedToken" in found || "databaseName" in found))
    return [write(update.where(eq(tenants.id, id)))];
  const same = and(
    eq(tenants.id, id),
    eq(tenants.databaseName, databaseName),
    ne(tenants.status, "deleted"),
  );
  return [must(update.where(same), () => new LeaseHeld(id))];
}

async function holdFor({ scope, turn }: Drive, ms: number): Promise<void> {
  const hold = scope.db.update(operations).set({ leaseUntil: Date.now() + ms });
  await commit(scope, [must(hold.where(mineOf(turn)), () => new LeaseHeld(turn.operationId))]);
}

/** Somebody else may go on: at once, or when what it waits for may have come. */
async function letGo({ scope, turn }: Drive, afterMs: number): Promise<"later"> {
  const now = Date.now();
  const release = scope.db
    .update(operations)
    .set({ status: "pending", leaseUntil: 0, retryAt: now + afterMs, updatedAt: now })
    .where(mineOf(turn));
  await commit(scope, [write(release)]);
  return "later";
}

/** Lets it go until later. A failure nobody can be told of in time is no worse: the lease ends by itself. */
async function release({ scope, turn }: Drive, { operation }: Work, step: Open, failure: unknown) {
  const error = describe(failure);
  const failures = operation.failures + 1;
  const pause = Math.min(firstPauseMs * 2 ** Math.min(failures - 1, 20), longestPauseMs);
  const told = recordStep(scope, turn, {
    position: step.position,
    step: { status: "failed", error },
    operation: {
      status: "pending",
      leaseUntil: 0,
      failures,
      retryAt: Date.now() + Math.round(pause * (0.75 + Math.random() / 2)),
      ...(operation.undoing ? {} : { error }),
    },
  }).catch((failed) => {
    if (failed instanceof LeaseHeld) throw failed;
  });
  await Promise.race([told, new Promise((wake) => setTimeout(wake, releaseMs))]);
}

/** Where no repetition helps, or none has for long, it is undone from here on. */
async function giveUp(
  { scope, turn }: Drive,
  work: Work,
  { position }: Open,
  failure: unknown,
): Promise<boolean> {
  const { operation } = work;
  const { undo, isPastReturn } = scope.kinds[operation.kind];
  const hopeless = failure instanceof Hopeless || operation.failures + 1 >= patience;
  if (!hopeless || operation.undoing || !undo || isPastReturn?.(work)) return false;
  const error = describe(failure);
  await recordStep(
    scope,
    turn,
    {
      position,
      step: { status: "failed", error },
      operation: { undoing: true, error, failures: 0, leaseUntil: Date.now() + scope.leaseMs },
    },
    undoWrites(scope.db, turn.operationId, scope.kinds[operation.kind]),
  );
  return true;
}

/** What the operation's row says of a failure: our own words only, never a server's. */
function describe(error: unknown): string {
  if (error instanceof Hopeless) return error.reason;
  return error instanceof ApiError ? `${error.code}: ${error.message}` : "internal_error";
}
