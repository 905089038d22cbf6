import { and, asc, inArray, lt } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import type { JobScope } from "../scope.ts";
import { driveOperation } from "./drive.service.ts";
import { claimOperation, LeaseHeld } from "./lease.service.ts";
import { operations } from "./operations.table.ts";

const atOnce = 4;
/** At one call of the clock: what is left is for the next. */
const mostOperations = 100;
const runMs = 8 * 60_000;

/**
 * Takes up what nobody drives: what failed and may be tried again, and what somebody who is gone left
 * behind. Each goes on until it is over, waits or fails; several calls at once share the work.
 */
export async function resumeOperations(scope: JobScope) {
  const done = { operations: 0, over: 0, failed: 0 };
  const until = Date.now() + runMs;
  const queue = (await findDue(scope)).values();
  const driver = async () => {
    for (const due of queue) {
      if (Date.now() > until) return;
      const outcome = await resume(scope, due, until);
      if (outcome !== "held") done.operations++;
      if (outcome === "over" || outcome === "failed") done[outcome]++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, driver));
  return done;
}

type Due = { readonly id: string; readonly tenantId: string };

async function resume(scope: JobScope, { id, tenantId }: Due, until: number) {
  try {
    const turn = await claimOperation(scope, id, scope.leaseMs);
    return await driveOperation(scope, turn, until);
  } catch (error) {
    if (error instanceof LeaseHeld) return "held";
    scope.failed(tenantId, error);
    return "failed";
  }
}

async function findDue({ db }: JobScope): Promise<Due[]> {
  const now = Date.now();
  const [due] = await batch(db, "read", [
    db
      .select({ id: operations.id, tenantId: operations.tenantId })
      .from(operations)
      .where(
        and(
          inArray(operations.status, ["pending", "running"]),
          lt(operations.leaseUntil, now),
          lt(operations.retryAt, now),
        ),
      )
      .orderBy(asc(operations.updatedAt))
      .limit(mostOperations),
  ] as const);
  return due;
}
