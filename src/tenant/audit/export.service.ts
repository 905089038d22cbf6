import { and, max, type SQL, sql } from "drizzle-orm";
import { unavailable } from "../../core/error.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import type { AuditFilter, AuditLog } from "./audit.schema.ts";
import { matches, toWire } from "./audit.service.ts";
import { auditLogs } from "./audit.table.ts";
import { type LoggedRow, pageOfLog } from "./pages.sql.ts";

const exportMs = 5 * 60_000;
/** As the list has it oldest first: every filter has an index in this order. */
const order = sql`at, sequence`;

/**
 * What the log holds when the export begins, oldest first, page by page. Each page proves the caller
 * anew: who loses their rights midway gets no more of it.
 */
export async function* exportAuditLogs(
  scope: TenantScope,
  filter: AuditFilter,
): AsyncGenerator<AuditLog[], void> {
  const until = scope.request.now + exportMs;
  const wanted = matches(filter);
  const newest = scope.db.select({ sequence: max(auditLogs.sequence) }).from(auditLogs);
  const [first, [end]] = await read(scope, [pageOfLog(scope.db, wanted, order), newest] as const);
  // The `+` keeps SQLite from using the primary key: pages are in the order of another index. Without an
  // end of its own, the export of a busy log would never have one.
  const inTime = sql`+${auditLogs.sequence} <= ${end?.sequence ?? 0}`;
  let rows: readonly LoggedRow[] = first;
  while (rows.length > 0) {
    const page = rows.map(({ row }) => parse(row));
    yield page.map(toWire);
    if (Date.now() > until) throw unavailable("The export takes too long: ask for less of the log");
    const step = scope.renewed();
    const rest = and(wanted, inTime, after(page.at(-1)));
    [rows] = await read(step, [pageOfLog(step.db, rest, order)] as const);
  }
}

type Row = typeof auditLogs.$inferSelect;

function parse(row: string): Row {
  const columns = JSON.parse(row) as Row & { changes: string };
  return { ...columns, changes: JSON.parse(columns.changes) as Row["changes"] };
}

const after = (last: Row | undefined): SQL | undefined =>
  last && sql`(${auditLogs.at}, ${auditLogs.sequence}) > (${last.at}, ${last.sequence})`;
