import { and, eq, inArray, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { kinds } from "../kinds.ts";
import type { RegistryScope } from "../scope.ts";
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

/** Ends the turn of whoever drives it, and has what it did undone. */
export async function giveUpOperation(scope: RegistryScope, id: string): Promise<void> {
  const { db, request } = scope;
  const { kind } = await getAnyOperation(scope, id);
  if (!kinds[kind].undo)
    throw new ApiError(
      "conflict",
      `A job of the kind "${kind}" cannot be undone, only gone on with`,
    );
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
    .where(and(going(id), eq(operations.undoing, false)));
  await commit(scope, [must(turned, () => isOver(scope, id)), ...undoWrites(db, id, kinds[kind])]);
}

async function isOver(scope: RegistryScope, id: string): Promise<ApiError> {
  const { status, undoing } = await getAnyOperation(scope, id);
  const state = undoing ? "being undone already" : `over: it has ${status}`;
  return new ApiError("conflict", `The operation is ${state}`);
}
