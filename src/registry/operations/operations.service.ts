import { and, asc, eq, lt, ne, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { iso, isoOrNull } from "../../db/columns.ts";
import { must, type Write, write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import type { IdentityScope, RegistryScope } from "../scope.ts";
import type { Operation } from "./operations.schema.ts";
import { operationSteps, operations } from "./operations.table.ts";

/** Someone else drives the operation right now, or it is over. */
export class LeaseHeld extends Error {
  override readonly name = "LeaseHeld";
}

/** The right to drive an operation. It ends when somebody takes the operation over: attempts then differ. */
export type Turn = { readonly operationId: string; readonly attempt: number };

/** Whether the operation is over, and until when somebody holds it. */
export async function findTurn({ db }: RegistryScope, id: string) {
  const { status, leaseUntil } = operations;
  const [[row]] = await batch(db, "read", [
    db.select({ status, leaseUntil }).from(operations).where(eq(operations.id, id)),
  ] as const);
  if (!row) throw new Error(`No operation ${id}`);
  return row;
}

/** Takes the operation for `leaseMs`, unless it is finished or somebody holds it: throws `LeaseHeld`. */
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
        lt(operations.leaseUntil, now),
      ),
    );
  const [[row]] = await commit(scope, [must(claim, () => new LeaseHeld(id))], [
    db.select({ attempt: operations.attempts }).from(operations).where(eq(operations.id, id)),
  ] as const);
  if (!row) throw new LeaseHeld(id);
  return { operationId: id, attempt: row.attempt };
}

type Outcome = "finished" | { readonly leaseMs: number } | { readonly error: string };

/**
 * Records a step, with what else came of it, and holds on to the operation, ends it or lets it go.
 * Throws `LeaseHeld` and records nothing once the turn is over: whoever was slow for longer than
 * their lease changes nothing any more.
 */
export async function recordStep(
  scope: RegistryScope,
  { operationId, attempt }: Turn,
  name: string,
  outcome: Outcome,
  also: readonly Write[] = [],
): Promise<void> {
  const now = Date.now();
  const { step, operation } = recordOf(outcome, now);
  const attempts = sql`${operationSteps.attempts} + 1`;
  const { db } = scope;
  const mine = and(
    eq(operations.id, operationId),
    eq(operations.attempts, attempt),
    eq(operations.status, "running"),
  );
  await commit(scope, [
    must(
      db
        .update(operations)
        .set({ ...operation, updatedAt: now })
        .where(mine),
      () => new LeaseHeld(operationId),
    ),
    write(
      db
        .update(operationSteps)
        .set({ ...step, attempts })
        .where(
          and(
            eq(operationSteps.operationId, operationId),
            eq(operationSteps.name, name),
            // A success whose answer was lost stays one.
            ne(operationSteps.status, "succeeded"),
          ),
        ),
    ),
    ...also,
  ]);
}

function recordOf(outcome: Outcome, now: number) {
  const done = { status: "succeeded" as const, error: null, finishedAt: now };
  if (outcome === "finished") return { step: done, operation: { ...done, leaseUntil: 0 } };
  if ("leaseMs" in outcome)
    return { step: done, operation: { leaseUntil: now + outcome.leaseMs, error: null } };
  const { error } = outcome;
  return {
    step: { status: "failed" as const, error },
    operation: { status: "pending" as const, leaseUntil: 0, error },
  };
}

/** Only for who asked for it: anybody else finds nothing. */
export async function getOperation({ caller, db }: IdentityScope, id: string): Promise<Operation> {
  const own = and(
    eq(operations.id, id),
    eq(operations.issuer, caller.issuer),
    eq(operations.subject, caller.subject),
  );
  const [[row], steps] = await batch(db, "read", [
    db.select().from(operations).where(own),
    db
      .select()
      .from(operationSteps)
      .where(eq(operationSteps.operationId, id))
      .orderBy(asc(operationSteps.position)),
  ] as const);
  if (!row) throw new ApiError("not_found", "No such operation");
  return {
    id: row.id,
    kind: row.kind,
    tenantId: row.tenantId,
    status: row.status,
    attempts: row.attempts,
    error: row.error,
    steps: steps.map(({ name, status, attempts, error, finishedAt }) => ({
      name,
      status,
      attempts,
      error,
      finishedAt: isoOrNull(finishedAt),
    })),
    createdAt: iso(row.createdAt),
    updatedAt: iso(row.updatedAt),
    finishedAt: isoOrNull(row.finishedAt),
  };
}
