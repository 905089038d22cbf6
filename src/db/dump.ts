import { type SQL, sql } from "drizzle-orm";
import { digestAfter, noRows } from "../core/row-digest.ts";
import { batch, type Query, statement } from "./batch.ts";
import type { Database } from "./connect.ts";
import type { Table } from "./tables.ts";

const mostRows = 2000;
/** What one answer of a database may weigh, so that a Worker holds two of them with ease. */
const heaviest = 1_000_000;

/** A row as JSON of its values, in the order of the table's columns: text, as it is never looked into. */
type Row = { readonly key: number; readonly row: string };

/** How far the rows of a table have been read, and what they were. */
export type Count = { readonly name: string; readonly rows: number; readonly digest: string };
/** `after` is the last row's key, in the table that is being read. */
export type Progress = {
  readonly counts: readonly Count[];
  readonly table: number;
  readonly after: number;
};
/** Some rows of one table. */
export type Stretch = { readonly table: Table; readonly rows: readonly string[] };

export const notBegun = (tables: readonly Table[]): Progress => ({
  counts: tables.map(({ name }) => ({ name, rows: 0, digest: noRows })),
  table: 0,
  after: Number.MIN_SAFE_INTEGER,
});

/** Rows after this key: 2000 of them, or as many as weigh a megabyte, or one. */
export function pageOfTable(db: Database, { name, columns }: Table, after: number | SQL) {
  const values = sql.join(
    columns.map((column) => sql.identifier(column)),
    sql`, `,
  );
  return statement<Row>(
    db,
    sql`select key, row from (
      select key, row, sum(length(row)) over (order by key) - length(row) as before from (
        select rowid as key, json_array(${values}) as row from ${sql.identifier(name)}
        where rowid > ${after} order by rowid limit ${mostRows}))
      where before < ${heaviest} order by key`,
  );
}

/**
 * Reads on from where it was left, until so many bytes are at hand or nothing is left. Call it only for
 * a database nobody writes to: the pages are to be of one state.
 */
export async function readOn(
  db: Database,
  tables: readonly Table[],
  from: Progress,
  mostBytes: number,
): Promise<{ stretches: Stretch[]; progress: Progress; done: boolean }> {
  const stretches: Stretch[] = [];
  let progress = from;
  for (let bytes = 0; bytes < mostBytes; ) {
    const table = tables[progress.table];
    if (!table) return { stretches, progress, done: true };
    const [page] = await batch(db, "read", [pageOfTable(db, table, progress.after)] as const);
    const rows = page.map(({ row }) => row);
    if (rows.length > 0) stretches.push({ table, rows });
    bytes += rows.reduce((sum, row) => sum + row.length, 0);
    progress = afterPage(progress, page);
  }
  return { stretches, progress, done: false };
}

/** An empty page ends the table. */
function afterPage({ counts, table }: Progress, page: readonly Row[]): Progress {
  const last = page.at(-1);
  if (!last) return { counts, table: table + 1, after: Number.MIN_SAFE_INTEGER };
  const counted = counts.map((count, i) => (i === table ? withRows(count, page) : count));
  return { counts: counted, table, after: last.key };
}

export const withRows = (count: Count, page: readonly { readonly row: string }[]): Count => ({
  name: count.name,
  rows: count.rows + page.length,
  digest: page.reduce((digest, { row }) => digestAfter(digest, row), count.digest),
});

/** Rows that point to none, by table. */
export const danglingRows = (db: Database): Query =>
  statement<{ table: string }>(db, sql`select distinct "table" from pragma_foreign_key_check`);
