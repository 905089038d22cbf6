import { and, eq, lt, ne, sql } from "drizzle-orm";
import type { SQLiteUpdateSetSource } from "drizzle-orm/sqlite-core";
import { batch } from "../../db/batch.ts";
import { must, type Write, write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import type { RegistryScope } from "../scope.ts";
import { operationSteps, operations } from "./operations.table.ts";

/** Someone else drives the operation right now, or it is over. */
export class LeaseHeld extends Error {
  override readonly name = "LeaseHeld";
}

/** The right to drive an operation. It ends when somebody takes the operation over: attempts then differ. */
export type Turn = { readonly operationId: string; readonly attempt: number };

/** The operation, as long as it is this driver's turn. */
export const mineOf = ({ operationId, attempt }: Turn) =>
  and(
    eq(operations.id, operationId),
    eq(operations.attempts, attempt),
    eq(operations.status, "running"),
  );

/** Whether the operation is over, and until when somebody holds it. */
export async function findTurn({ db }: RegistryScope, id: string) {
  const { status, leaseUntil } = operations;
  const [[row]] = await batch(db, "read", [
    db.select({ status, leaseUntil }).from(operations).where(eq(operations.id, id)),
  ] as const);
  if (!row) throw new Error(`No operation ${id}`);
  return row;
}

/** Takes the operation for `leaseMs`, unless it is over or somebody holds it: throws `LeaseHeld`. */
export async function claimOperation(
  scope: RegistryScope,
  id: string,
  leaseMs: number,
): Promise<Turn> {
  const now = Date.now();
  const { db } = scope;
  const claim = db
    .update(operations)
    .set({
      status: "running",
      leaseUntil: now + leaseMs,
      attempts: sql`${operations.attempts} + 1`,
      updatedAt: now,
    })
    .where(
      and(
        eq(operations.id, id),
        ne(operations.status, "succeeded"),
        ne(operations.status, "failed"),
        lt(operations.leaseUntil, now),
      ),
    );
  const [[row]] = await commit(scope, [must(claim, () => new LeaseHeld(id))], [
    db.select({ attempt: operations.attempts }).from(operations).where(eq(operations.id, id)),
  ] as const);
  if (!row) throw new LeaseHeld(id);
  return { operationId: id, attempt: row.attempt };
}

type StepOf = SQLiteUpdateSetSource<typeof operationSteps>;
type OperationOf = SQLiteUpdateSetSource<typeof operations>;

/** What is written down of a step, and of its operation. */
export type StepRecord = {
  readonly position: number;
  readonly step: StepOf;
  readonly operation: OperationOf;
  /** Merged into what the operation has put out. */
  readonly output?: object | undefined;
};

/**
 * Records a step, with what else came of it. Throws `LeaseHeld` and records nothing once the turn is
 * over: whoever was slow for longer than their lease changes nothing any more.
 */
export async function recordStep(
  scope: RegistryScope,
  turn: Turn,
  { position, step, operation, output }: StepRecord,
  also: readonly Write[] = [],
): Promise<void> {
  const now = Date.now();
  const { db } = scope;
  const { operationId } = turn;
  const merged = output && {
    output: sql`json_patch(${operations.output}, ${JSON.stringify(output)})`,
  };
  await commit(scope, [
    must(
      db
        .update(operations)
        .set({ ...operation, ...merged, updatedAt: now })
        .where(mineOf(turn)),
      () => new LeaseHeld(operationId),
    ),
    write(
      db
        .update(operationSteps)
        .set({ attempts: sql`${operationSteps.attempts} + 1`, ...step })
        .where(
          and(
            eq(operationSteps.operationId, operationId),
            eq(operationSteps.position, position),
            // A success whose answer was lost stays one.
            ne(operationSteps.status, "succeeded"),
          ),
        ),
    ),
    ...also,
  ]);
}
