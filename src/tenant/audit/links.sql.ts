import { asc, gt, type SQL, sql } from "drizzle-orm";
import { statement } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { auditLinks, auditLogs } from "./audit.table.ts";
import { pageOfLog } from "./pages.sql.ts";

const most = 500;
/** SQLite counts further than JavaScript. A log that grows by itself begins at 1 and never comes near. */
const top = sql.raw(`${Number.MAX_SAFE_INTEGER}`);

/** Rows after this one, in the order they are sealed in. */
export const rowsAfter = (db: TenantDb, sequence: number | SQL) =>
  pageOfLog(db, sql`sequence > ${sequence} and sequence <= ${top}`, sql`sequence`);

export const linksAfter = (db: TenantDb, sequence: number) =>
  db
    .select()
    .from(auditLinks)
    .where(gt(auditLinks.sequence, sequence))
    .orderBy(asc(auditLinks.sequence))
    .limit(most);

/** Where rows can only have been put by hand: before the log's beginning, and beyond any end. */
export const straysIn = (db: TenantDb) =>
  statement<{ below: string | null; above: string | null }>(
    db,
    sql`select
      (select cast(min(sequence) as text) from ${auditLogs} where sequence < 1) as below,
      (select cast(min(sequence) as text) from ${auditLogs} where sequence > ${top}) as above`,
  );
