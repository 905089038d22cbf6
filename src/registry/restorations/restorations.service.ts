import { and, count, eq, inArray, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { iso, isoOrNull } from "../../db/columns.ts";
import { pageOf } from "../../db/page.ts";
import type {
  Restoration,
  RestorationPage,
  RestorationsQuery,
} from "../../tenant/backups/restorations.schema.ts";
import { databases } from "../databases/databases.table.ts";
import { operations } from "../operations/operations.table.ts";
import type { RegistryScope } from "../scope.ts";

const restoring = ["restore", "rewind", "revert"] as const;

const shown = {
  id: operations.id,
  kind: operations.kind,
  tenantId: operations.tenantId,
  status: operations.status,
  input: operations.input,
  error: operations.error,
  createdAt: operations.createdAt,
  finishedAt: operations.finishedAt,
  step: sql<
    string | null
  >`(select name from operation_steps s where s.operation_id = ${operations.id}
    and s.status <> 'succeeded' order by position limit 1)`,
  undoableUntil: sql<number | null>`(select keep_until from ${databases} d
    where d.name = json_extract(${operations.output}, '$.former') and d.state = 'former')`,
};
type Row = Pick<typeof operations.$inferSelect, "id" | "kind" | "tenantId" | "status" | "input"> &
  Pick<typeof operations.$inferSelect, "error" | "createdAt" | "finishedAt"> & {
    readonly step: string | null;
    readonly undoableUntil: number | null;
  };

export async function listRestorations(
  { db }: RegistryScope,
  tenantId: string,
  query: RestorationsQuery,
): Promise<RestorationPage> {
  const page = pageOf(query, {
    list: `restorations ${tenantId}`,
    columns: { createdAt: operations.createdAt },
    id: operations.id,
  });
  const mine = and(eq(operations.tenantId, tenantId), inArray(operations.kind, [...restoring]));
  const [rows, [counted]] = await batch(db, "read", [
    db
      .select(shown)
      .from(operations)
      .where(and(mine, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(operations).where(mine),
  ] as const);
  return page.result(rows, counted?.total ?? 0, (row) => [row[query.sortBy], row.id], toWire);
}

export async function getRestoration(
  { db }: RegistryScope,
  tenantId: string,
  id: string,
): Promise<Restoration> {
  const [[row]] = await batch(db, "read", [
    db
      .select(shown)
      .from(operations)
      .where(
        and(
          eq(operations.id, id),
          eq(operations.tenantId, tenantId),
          inArray(operations.kind, [...restoring]),
        ),
      ),
  ] as const);
  if (!row) throw new ApiError("not_found", "No such restoration");
  return toWire(row);
}

type Input = { readonly backupId?: string; readonly at?: number; readonly restorationId?: string };

function toWire({ kind, input, createdAt, finishedAt, undoableUntil, ...row }: Row): Restoration {
  const { backupId = null, at = null, restorationId = null } = input as Input;
  return {
    ...row,
    step: row.status === "succeeded" ? null : row.step,
    backupId,
    at: isoOrNull(at),
    undoes: restorationId,
    undoableUntil: isoOrNull(kind === "revert" ? null : undoableUntil),
    createdAt: iso(createdAt),
    finishedAt: isoOrNull(finishedAt),
  };
}
