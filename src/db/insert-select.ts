import { type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { type Query, statement } from "./batch.ts";
import type { Database } from "./connect.ts";

type Columns<T extends SQLiteTable> = {
  [K in keyof T["$inferInsert"]]: SQL | Exclude<T["$inferInsert"][K], object>;
};

/**
 * `insert … select`, column by column, so that one added later has its default. `source` is what stands
 * behind the selected columns: tables and conditions, and `on conflict` if need be.
 */
export function insertSelect<T extends SQLiteTable>(
  db: Database,
  table: T,
  columns: Columns<T>,
  source: SQL,
): Query {
  const given = Object.entries(columns as Record<string, unknown>);
  const names = given.map(([name]) => sql.identifier(inDatabase(name)));
  const values = given.map(([, value]) => sql`${value}`);
  return statement(
    db,
    sql`insert into ${table} (${sql.join(names, sql`, `)}) select ${sql.join(values, sql`, `)} ${source}`,
  );
}

const inDatabase = (name: string) =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
