import { and, eq, gt } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { batch } from "../../db/batch.ts";
import { must, type Write } from "../../db/write.ts";
import { databaseNameOf, type Platform } from "../../platform/platform.ts";
import type { NewRestoration } from "../../tenant/backups/restorations.schema.ts";
import { backups } from "../backups/backups.table.ts";
import type { Asker, AskingScope } from "../backups/begin.service.ts";
import { storeOf } from "../backups/store.ts";
import { commit } from "../commit.ts";
import { databases } from "../databases/databases.table.ts";
import { alone, up } from "../databases/exclusive.ts";
import { ledgerEntry } from "../databases/ledger.service.ts";
import { type MoveInput, move } from "../databases/move.steps.ts";
import type { Swapped } from "../databases/swap.service.ts";
import { operationWrites } from "../operations/begin.ts";
import type { Kind } from "../operations/kind.ts";
import { type OperationKind, operations } from "../operations/operations.table.ts";
import { type RestoreInput, restore, rewind } from "./restore.steps.ts";
import { type RevertInput, revert } from "./revert.steps.ts";

export type SwappingScope = AskingScope & { readonly platform: Platform };
type Asked = { readonly tenantId: string; readonly by: Asker };

/** Asks for a tenant to be as it was: out of a backup of its own, or as of a moment the platform has. */
export async function beginRestoration(
  scope: SwappingScope,
  asked: Asked,
  wanted: NewRestoration,
): Promise<string> {
  if ("backupId" in wanted) {
    storeOf(scope);
    await assertBackup(scope, asked.tenantId, wanted.backupId);
    const input: RestoreInput = { backupId: wanted.backupId };
    return await begin(scope, asked, { kind: "restore", steps: restore, input });
  }
  if (!scope.platform.pointInTime)
    throw new ApiError(
      "conflict",
      "This deployment keeps no earlier states of databases: restore a backup instead",
    );
  const at = Date.parse(wanted.at);
  if (at > Date.now()) throw new ApiError("conflict", "What is to come cannot be restored");
  return await begin(scope, asked, { kind: "rewind", steps: rewind, input: { at } });
}

/** Asks for the database that a restoration replaced to take its place again. */
export async function beginUndo(scope: SwappingScope, asked: Asked, id: string): Promise<string> {
  const { tenantId } = asked;
  const { db } = scope;
  const [[done]] = await batch(db, "read", [
    db
      .select({ status: operations.status, kind: operations.kind, output: operations.output })
      .from(operations)
      .where(and(eq(operations.id, id), eq(operations.tenantId, tenantId))),
  ] as const);
  if (!done || (done.kind !== "restore" && done.kind !== "rewind"))
    throw new ApiError("not_found", "No such restoration");
  if (done.status !== "succeeded")
    throw new ApiError("conflict", "The restoration has not put another database in place");
  const { former, formerHead } = done.output as Swapped;
  const input: RevertInput = { restorationId: id, former, formerHead };
  const gone = () => new ApiError("conflict", "The database it replaced is kept no longer");
  const kept = db
    .update(databases)
    .set({ updatedAt: Date.now() })
    .where(
      and(
        eq(databases.name, former),
        eq(databases.state, "former"),
        gt(databases.keepUntil, Date.now()),
      ),
    );
  return await begin(scope, asked, { kind: "revert", steps: revert, input }, [must(kept, gone)]);
}

export const beginMove = (scope: SwappingScope, asked: Asked, input: MoveInput): Promise<string> =>
  begin(scope, asked, { kind: "move", steps: move, input });

type Beginning = {
  readonly kind: OperationKind;
  readonly steps: Kind;
  readonly input: Record<string, unknown>;
};

async function begin(
  scope: SwappingScope,
  { tenantId, by }: Asked,
  { kind, steps, input }: Beginning,
  conditions: readonly Write[] = [],
): Promise<string> {
  const { db } = scope;
  const now = Date.now();
  const operationId = newId("operation", now);
  const name = databaseNameOf(tenantId, operationId);
  const makes = kind === "revert" ? [] : [ledgerEntry(db, { name, tenantId, operationId, now })];
  const writes = [
    up(tenantId),
    alone(tenantId),
    ...conditions,
    ...makes,
    ...operationWrites(db, { id: operationId, kind, tenantId, ...by, input, now }, steps),
  ];
  const [[begun]] = await commit(scope, writes, [
    db.select({ id: operations.id }).from(operations).where(eq(operations.id, operationId)),
  ] as const);
  return begun?.id ?? operationId;
}

async function assertBackup({ db }: SwappingScope, tenantId: string, id: string): Promise<void> {
  const [[row]] = await batch(db, "read", [
    db
      .select({ status: backups.status })
      .from(backups)
      .where(and(eq(backups.id, id), eq(backups.tenantId, tenantId))),
  ] as const);
  if (!row) throw new ApiError("not_found", "No such backup");
  if (row.status !== "ready") throw new ApiError("conflict", `The backup is ${row.status}`);
}
