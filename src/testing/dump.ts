import type { Database } from "../db/connect.ts";
import { rowsOf } from "./raw-sql.ts";

const tables =
  "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name";

/** What a Worker notes beside the requests themselves: who was seen, who was refused. */
export const beside = ["user_sessions", "requests"];
const noted = beside.map((entity) => `'${entity}'`).join(", ");
const rowsIn = (table: string) =>
  table === "audit_logs"
    ? `select l.*, 0 as sequence from audit_logs l where entity not in (${noted})`
    : `select * from "${table}"`;

/**
 * Every row of every table, history included: equal to a later one only if nothing happened between
 * but what is noted beside requests.
 */
export async function dump(db: Database): Promise<Record<string, unknown[]>> {
  const names = await rowsOf<{ name: string }>(db, tables);
  const kept = names.filter(({ name }) => !beside.includes(name));
  const rows = kept.map(async ({ name }) => [name, await rowsOf(db, rowsIn(name))]);
  return Object.fromEntries(await Promise.all(rows));
}
