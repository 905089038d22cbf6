import type { Database } from "../db/connect.ts";
import { rowsOf } from "./raw-sql.ts";

const tables =
  "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name";

/** Every row of every table, history included: equal to a later one only if nothing happened between. */
export async function dump(db: Database): Promise<Record<string, unknown[]>> {
  const names = await rowsOf<{ name: string }>(db, tables);
  const rows = names.map(async ({ name }) => [name, await rowsOf(db, `select * from "${name}"`)]);
  return Object.fromEntries(await Promise.all(rows));
}
