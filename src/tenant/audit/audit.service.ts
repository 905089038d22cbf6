import { and, count, eq, gte, lt } from "drizzle-orm";
import { iso } from "../../db/columns.ts";
import { pageOf } from "../../db/page.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import type { AuditLog, AuditQuery } from "./audit.schema.ts";
import { auditLogs } from "./audit.table.ts";

export async function listAuditLogs(scope: TenantScope, query: AuditQuery) {
  const { db, tenant } = scope;
  const filter = matches(query);
  const page = pageOf(query, {
    list: `audit of ${tenant.id}`,
    columns: { at: auditLogs.at },
    id: auditLogs.sequence,
  });
  const [rows, [counted]] = await read(scope, [
    db
      .select()
      .from(auditLogs)
      .where(and(filter, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(auditLogs).where(filter),
  ] as const);
  return page.result(
    rows,
    counted?.total ?? 0,
    (row) => [row.at, row.sequence],
    ({ sequence, at, ...row }): AuditLog => ({ id: `aud_${sequence}`, ...row, at: iso(at) }),
  );
}

const matches = (query: AuditQuery) =>
  and(
    query.entity ? eq(auditLogs.entity, query.entity) : undefined,
    query.entityId ? eq(auditLogs.entityId, query.entityId) : undefined,
    query.actorId ? eq(auditLogs.actorId, query.actorId) : undefined,
    query.action ? eq(auditLogs.action, query.action) : undefined,
    query.requestId ? eq(auditLogs.requestId, query.requestId) : undefined,
    query.from === undefined ? undefined : gte(auditLogs.at, query.from),
    query.to === undefined ? undefined : lt(auditLogs.at, query.to),
  );
