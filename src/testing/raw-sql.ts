import { randomUUID } from "node:crypto";
import { type SQL, sql } from "drizzle-orm";
import type { Secret } from "../core/secret.ts";
import { batch, type Query } from "../db/batch.ts";
import { type Database, openTenantDb, type TenantDb } from "../db/connect.ts";
import type { Settings } from "../env.ts";
import { platformOf } from "../ports.backends.ts";
import { testBudget } from "./databases.ts";

const asSql = (statement: string | SQL) =>
  typeof statement === "string" ? sql.raw(statement) : statement;

/** Runs statements in one write transaction, past the services, the guard and the audit context. */
export async function execute(db: Database, ...statements: (string | SQL)[]): Promise<void> {
  const queries = statements.map((statement) => db.run(asSql(statement)) as unknown as Query);
  await batch(db, "write", queries);
}

/** The rows of one query, columns under their names in SQL. */
export async function rowsOf<Row = Record<string, unknown>>(
  db: Database,
  query: string | SQL,
): Promise<Row[]> {
  const [rows] = await batch(db, "read", [db.all<Row>(asSql(query)) as unknown as Query]);
  return rows as Row[];
}

/** The rows of several queries at one moment, under the queries' names. */
export async function rowsOfAll<Name extends string>(
  db: Database,
  queries: Record<Name, string | SQL>,
): Promise<Record<Name, Record<string, unknown>[]>> {
  const named = Object.entries<string | SQL>(queries);
  const asked = named.map(([, query]) => db.all(asSql(query)) as unknown as Query);
  const results = await batch(db, "read", asked);
  return Object.fromEntries(named.map(([name], i) => [name, results[i]])) as Record<
    Name,
    Record<string, unknown>[]
  >;
}

/** An empty database in a namespace of its own. `again` opens it anew, as another process would. */
export async function newDatabase(
  settings: Settings,
): Promise<{ db: TenantDb; name: string; token: Secret; again: () => TenantDb }> {
  const platform = platformOf(settings, fetch);
  const name = `fresh-${randomUUID()}`;
  await platform.ensureDatabase({ name });
  const { token } = await platform.mintToken(name);
  const again = () =>
    openTenantDb({ ...platform.locate(name, null), token }, testBudget(), `tnt_${name}`);
  return { db: again(), name, token, again };
}

/** Like `execute`, with foreign keys off: rows of one table alone. */
export async function executeUnlinked(db: Database, ...statements: string[]): Promise<void> {
  const { $client } = db as unknown as { $client: { migrate(sql: string[]): Promise<unknown> } };
  await $client.migrate(statements);
}
