import { getTableColumns, type SQL, sql } from "drizzle-orm";
import { statement } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { auditLogs } from "./audit.table.ts";

/** A row of the log as JSON of all its columns, `changes` being the text that is stored. */
export type LoggedRow = { readonly sequence: number; readonly row: string };

const most = 500;
/** One row may hold all that a body may carry, twice: so many are too much for a Worker's memory. */
const heaviest = 2_000_000;

const row = sql`json_object(${sql.join(
  Object.entries(getTableColumns(auditLogs)).map(
    ([name, column]) => sql`${sql.raw(`'${name}'`)}, ${column}`,
  ),
  sql`, `,
)})`;

/**
 * A page of the log's rows in this order: 500, or as many as weigh two megabytes, or one. Empty only
 * where no row is left.
 */
export const pageOfLog = (db: TenantDb, filter: SQL | undefined, order: SQL) =>
  statement<LoggedRow>(
    db,
    sql`select sequence, row from (
      select sequence, at, row, sum(length(row)) over (order by ${order}) - length(row) as before from (
        select sequence, at, ${row} as row from ${auditLogs}
        where ${filter ?? sql`true`} order by ${order} limit ${most}))
      where before < ${heaviest} order by ${order}`,
  );
