import { sql } from "drizzle-orm";
import { batch, statement } from "./batch.ts";
import type { Database } from "./connect.ts";

/** A table as it is in the database, whatever release made it. */
export type Table = { readonly name: string; readonly columns: readonly string[] };

/** What is not of the data: the server's own, the ledger of migrations, whoever writes at this moment. */
const apart = ["__drizzle_migrations", "__loading", "audit_context"];

/** The tables whose rows are the data, by name. */
export async function tablesOf(db: Database): Promise<Table[]> {
  const columns = sql`select m.name as name, c.name as column_name from sqlite_master m
    join pragma_table_info(m.name) c
    where m.type = 'table' and m.name not like 'sqlite\\_%' escape '\\' and m.name not like 'libsql\\_%' escape '\\'
      and m.name not in ${apart}
    order by m.name, c.cid`;
  type Row = { name: string; column_name: string };
  const [rows] = await batch(db, "read", [statement<Row>(db, columns)] as const);
  const tables = Map.groupBy(rows, ({ name }) => name);
  return [...tables].map(([name, of]) => ({
    name,
    columns: of.map(({ column_name }) => column_name),
  }));
}

/** The hashes of the migrations it has been through, oldest first. */
export async function ledgerOf(db: Database): Promise<string[]> {
  const ledger = sql`select hash from __drizzle_migrations order by created_at`;
  const [rows] = await batch(db, "read", [statement<{ hash: string }>(db, ledger)] as const);
  return rows.map(({ hash }) => hash);
}
