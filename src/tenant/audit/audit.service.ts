import { and, count, eq, gte, lt, type SQL } from "drizzle-orm";
import { iso } from "../../db/columns.ts";
import type { Database } from "../../db/connect.ts";
import { pageOf } from "../../db/page.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import type { AuditFilter, AuditLog, AuditQuery } from "./audit.schema.ts";
import { auditLogs } from "./audit.table.ts";

export async function listAuditLogs(scope: TenantScope, query: AuditQuery) {
  const { queries, result } = logPage(scope.db, `audit of ${scope.tenant.id}`, query);
  return result(...(await read(scope, queries)));
}

/** A page of a log, which both kinds of database have: `result` takes what the queries give. */
export function logPage(db: Database, list: string, query: AuditQuery) {
  const filter = matches(query);
  const page = pageOf(query, { list, columns: { at: auditLogs.at }, id: auditLogs.sequence });
  const queries = [
    db
      .select()
      .from(auditLogs)
      .where(and(filter, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(auditLogs).where(filter),
  ] as const;
  const result = (rows: (typeof auditLogs.$inferSelect)[], [counted]: { total: number }[]) =>
    page.result(rows, counted?.total ?? 0, (row) => [row.at, row.sequence], toWire);
  return { queries, result };
}

export const idOfRow = (sequence: number): string => `aud_${sequence}`;

export const toWire = ({ sequence, at, ...row }: typeof auditLogs.$inferSelect): AuditLog => ({
  id: idOfRow(sequence),
  ...row,
  at: iso(at),
});

export const matches = (filter: AuditFilter): SQL | undefined =>
  and(
    filter.entity ? eq(auditLogs.entity, filter.entity) : undefined,
    filter.entityId ? eq(auditLogs.entityId, filter.entityId) : undefined,
    filter.actorId ? eq(auditLogs.actorId, filter.actorId) : undefined,
    filter.action ? eq(auditLogs.action, filter.action) : undefined,
    filter.requestId ? eq(auditLogs.requestId, filter.requestId) : undefined,
    filter.from === undefined ? undefined : gte(auditLogs.at, filter.from),
    filter.to === undefined ? undefined : lt(auditLogs.at, filter.to),
  );
