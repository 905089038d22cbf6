import type { InStatement } from "@libsql/client/http";
import { sql } from "drizzle-orm";
import { batch, retried, statement } from "./batch.ts";
import { clientOf, type Database } from "./connect.ts";
import type { Stretch } from "./dump.ts";
import { isMisfit, isUniqueViolation } from "./faults.ts";

/** What one value of a statement may weigh. */
const heaviest = 1_000_000;
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** Foreign keys are off meanwhile: rows come in any order, and are looked at in the end. */
const together = async (db: Database, statements: InStatement[]): Promise<void> => {
  await retried(db, () => clientOf(db).migrate(statements));
};

type Trigger = { readonly name: string; readonly sql: string };

/**
 * Puts the triggers away, so that what is loaded is not written down as if it happened now, and makes
 * room to note what has been loaded. Called again it does nothing, and so once `stamp` holds a row:
 * who comes late finds a database in use.
 */
export async function beginLoading(db: Database, stamp: string): Promise<void> {
  const triggers = sql`select name, sql from sqlite_master where type = 'trigger'`;
  const [found] = await batch(db, "read", [statement<Trigger>(db, triggers)] as const);
  if (found.length === 0) return;
  const away = found.map((trigger) => ({
    sql: "insert into __loading (what, text) values (?, ?)",
    args: [`trigger ${trigger.name}`, trigger.sql],
  }));
  await together(db, [
    "create table if not exists __loading (what text primary key not null, text text) strict",
    `insert into __loading (what) select null where exists (select 1 from ${quoted(stamp)})`,
    ...away,
    ...found.map(({ name }) => `drop trigger ${quoted(name)}`),
  ]).catch((error) => {
    // Somebody else has begun.
    if (!isUniqueViolation(error, "__loading.what")) throw error;
  });
}

/** Loads one part of a dump; one that is loaded already stays as it is. */
export async function loadPart(
  db: Database,
  part: number,
  stretches: readonly Stretch[],
): Promise<void> {
  const note = { sql: "insert into __loading (what) values (?)", args: [`part ${part}`] };
  try {
    await together(db, [note, ...stretches.flatMap(insertsOf)]);
  } catch (error) {
    if (!isUniqueViolation(error, "__loading.what")) throw error;
  }
}

function insertsOf({ table: { name, columns }, rows }: Stretch): InStatement[] {
  const values = columns.map((_, i) => `json_extract(value, '$[${i}]')`).join(", ");
  const into = `insert into ${quoted(name)} (${columns.map(quoted).join(", ")})`;
  return lumpsOf(rows).map((lump) => ({
    sql: `${into} select ${values} from json_each(?)`,
    args: [`[${lump.join(",")}]`],
  }));
}

function lumpsOf(rows: readonly string[]): string[][] {
  const lumps: string[][] = [];
  let weight = heaviest;
  for (const row of rows) {
    if (weight + row.length >= heaviest) {
      lumps.push([]);
      weight = 0;
    }
    lumps.at(-1)?.push(row);
    weight += row.length;
  }
  return lumps;
}

/** The triggers are back as they were, and nothing is left of the loading. */
export async function endLoading(db: Database): Promise<void> {
  const away = sql`select text as sql from __loading where what like 'trigger %' order by rowid`;
  try {
    const [triggers] = await batch(db, "read", [
      statement<Pick<Trigger, "sql">>(db, away),
    ] as const);
    await together(db, [...triggers.map((trigger) => trigger.sql), "drop table __loading"]);
  } catch (error) {
    // It was ended before.
    if (!isMisfit(error)) throw error;
  }
}
