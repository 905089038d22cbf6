import { and, eq, inArray, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { kinds } from "../kinds.ts";
import type { RegistryScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { undoWrites } from "./begin.ts";
import { getAnyOperation } from "./operations.service.ts";
import { operations } from "./operations.table.ts";

const going = (id: string) =>
  and(eq(operations.id, id), inArray(operations.status, ["pending", "running"]));

/** The pause after a failure is over. Whoever drives it at this moment goes on. */
export async function hastenOperation(scope: RegistryScope, id: string): Promise<void> {
  const { db, request } = scope;
  const due = db.update(operations).set({ retryAt: 0, updatedAt: request.now }).where(going(id));
  await commit(scope, [must(due, () => isOver(scope, id))]);
}

/**
 * Ends the turn of whoever drives it, and has what it did undone: if it is as it was when that was
 * found to be possible.
 */
export async function giveUpOperation(scope: RegistryScope, id: string): Promise<void> {
  const { db, request } = scope;
  const [[work]] = await batch(db, "read", [
    db
      .select({ operation: operations, tenant: tenants })
      .from(operations)
      .innerJoin(tenants, eq(tenants.id, operations.tenantId))
      .where(eq(operations.id, id)),
  ] as const);
  if (!work) throw new ApiError("not_found", "No such operation");
  const { kind, attempts, updatedAt } = work.operation;
  const { undo, isPastReturn } = kinds[kind];
  if (!undo || isPastReturn?.(work))
    throw new ApiError("conflict", `This "${kind}" cannot be undone any more, only gone on with`);
  const turned = db
    .update(operations)
    .set({
      undoing: true,
      status: "pending",
      error: "Given up by an operator",
      failures: 0,
      attempts: sql`${operations.attempts} + 1`,
      leaseUntil: 0,
      retryAt: 0,
      updatedAt: request.now,
    })
    .where(
      and(
        going(id),
        eq(operations.undoing, false),
        eq(operations.attempts, attempts),
        eq(operations.updatedAt, updatedAt),
      ),
    );
  await commit(scope, [must(turned, () => isOver(scope, id)), ...undoWrites(db, id, kinds[kind])]);
}

async function isOver(scope: RegistryScope, id: string): Promise<ApiError> {
  const { status, undoing } = await getAnyOperation(scope, id);
  const over = status === "succeeded" || status === "failed";
  const state = undoing
    ? "being undone already"
    : over
      ? `over: it has ${status}`
      : "going on at this moment: try again";
  return new ApiError("conflict", `The operation is ${state}`);
}
