import { and, count } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { pageOf } from "../../db/page.ts";
import type { AuditQuery } from "../../tenant/audit/audit.schema.ts";
import { matches, toWire } from "../../tenant/audit/audit.service.ts";
import type { RegistryScope } from "../scope.ts";
import { auditLogs } from "./audit.table.ts";

/** What was changed in the registry, by whom: the same log a tenant has of itself. */
export async function listRegistryLogs({ db }: RegistryScope, query: AuditQuery) {
  const filter = matches(query);
  const page = pageOf(query, {
    list: "audit of the registry",
    columns: { at: auditLogs.at },
    id: auditLogs.sequence,
  });
  const [rows, [counted]] = await batch(db, "read", [
    db
      .select()
      .from(auditLogs)
      .where(and(filter, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(auditLogs).where(filter),
  ] as const);
  return page.result(rows, counted?.total ?? 0, (row) => [row.at, row.sequence], toWire);
}
