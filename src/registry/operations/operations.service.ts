import { and, asc, count, eq, inArray } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { iso, isoOrNull } from "../../db/columns.ts";
import { pageOf } from "../../db/page.ts";
import type { IdentityScope, RegistryScope } from "../scope.ts";
import type { Operation, OperationsQuery } from "./operations.schema.ts";
import { operationSteps, operations } from "./operations.table.ts";

type Row = typeof operations.$inferSelect;
type StepRow = typeof operationSteps.$inferSelect;

/** Only for who asked for it: anybody else finds nothing. */
export async function getOperation({ caller, db }: IdentityScope, id: string): Promise<Operation> {
  const { issuer, subject } = operations;
  return await find(db, id, and(eq(issuer, caller.issuer), eq(subject, caller.subject)));
}

/** Whoever asked for it. */
export const getAnyOperation = ({ db }: RegistryScope, id: string): Promise<Operation> =>
  find(db, id);

async function find(
  db: RegistryScope["db"],
  id: string,
  own?: ReturnType<typeof and>,
): Promise<Operation> {
  const [[row], steps] = await batch(db, "read", [
    db
      .select()
      .from(operations)
      .where(and(eq(operations.id, id), own)),
    db
      .select()
      .from(operationSteps)
      .where(eq(operationSteps.operationId, id))
      .orderBy(asc(operationSteps.position)),
  ] as const);
  if (!row) throw new ApiError("not_found", "No such operation");
  return toWire(row, steps);
}

export async function listOperations({ db }: RegistryScope, query: OperationsQuery) {
  const page = pageOf(query, {
    list: "operations",
    columns: { createdAt: operations.createdAt },
    id: operations.id,
  });
  const { status, kind, tenantId } = query;
  const filter = and(
    status && eq(operations.status, status),
    kind && eq(operations.kind, kind),
    tenantId ? eq(operations.tenantId, tenantId) : undefined,
  );
  const listed = db
    .select()
    .from(operations)
    .where(and(filter, page.after))
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset);
  const ids = db
    .select({ id: operations.id })
    .from(operations)
    .where(and(filter, page.after))
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset);
  const [rows, steps, [counted]] = await batch(db, "read", [
    listed,
    db
      .select()
      .from(operationSteps)
      .where(inArray(operationSteps.operationId, ids))
      .orderBy(asc(operationSteps.position)),
    db.select({ total: count() }).from(operations).where(filter),
  ] as const);
  return page.result(
    rows,
    counted?.total ?? 0,
    (row) => [row[query.sortBy], row.id],
    (row) =>
      toWire(
        row,
        steps.filter(({ operationId }) => operationId === row.id),
      ),
  );
}

function toWire(row: Row, steps: readonly StepRow[]): Operation {
  const waits = row.status === "pending" && row.failures > 0;
  return {
    id: row.id,
    kind: row.kind,
    tenantId: row.tenantId,
    status: row.status,
    undoing: row.undoing && row.status !== "failed",
    attempts: row.attempts,
    error: row.error,
    nextAttemptAt: isoOrNull(waits ? row.retryAt : null),
    output: row.output,
    steps: steps.map(({ name, undoes, status, attempts, progress, error, finishedAt }) => ({
      name,
      undoes,
      status,
      attempts,
      progress,
      error,
      finishedAt: isoOrNull(finishedAt),
    })),
    createdAt: iso(row.createdAt),
    updatedAt: iso(row.updatedAt),
    finishedAt: isoOrNull(row.finishedAt),
  };
}
