import type { InValue } from "@libsql/client/http";
import type { SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { clientOf, type Database } from "./connect.ts";
import { asFault, isRefused, isTransient } from "./faults.ts";
import { takeWriter } from "./writers.ts";

export type Query = BatchItem<"sqlite">;
export type Results<Q extends readonly Query[]> = { -readonly [K in keyof Q]: Q[K]["_"]["result"] };

/** What Drizzle builds under every query and keeps out of its types. */
export type Prepared = {
  getQuery(): { sql: string; params: InValue[] };
  /** Of the rows as the driver gives them, or as arrays. */
  mapResult(result: { rows: ArrayLike<unknown>[] }, fromBatch: boolean): unknown;
  /** The columns of a select, in order. */
  readonly fields?: readonly unknown[];
};

export const preparedOf = (query: Query): Prepared =>
  (query as unknown as { _prepare(): Prepared })._prepare();

type QueryFor<Row> = { readonly _: { readonly dialect: "sqlite"; readonly result: Row[] } };

/** SQL as a query among others, and the shape of the rows it gives back. */
export const statement = <Row = never>(db: Database, text: SQL): QueryFor<Row> =>
  db.all<Row>(text) as unknown as QueryFor<Row>;

/** SQL that is at hand as text, as a query among others. It gives back nothing. */
export const rawQuery = (text: string, params: InValue[]): Query => {
  const prepared: Prepared = {
    getQuery: () => ({ sql: text, params }),
    mapResult: () => undefined,
  };
  return { _prepare: () => prepared } as unknown as Query;
};

/**
 * Runs queries in one transaction and one round trip. `write` takes the lock at once: Drizzle's own
 * `batch` starts deferred, and concurrent writers then fail or hang.
 * Throws constraint failures as they are, and 503 for everything a database can do wrong.
 */
export async function batch<const Q extends readonly Query[]>(
  db: Database,
  mode: "read" | "write",
  queries: Q,
): Promise<Results<Q>> {
  const prepared = queries.map(preparedOf);
  const statements = prepared.map((query) => {
    const { sql, params } = query.getQuery();
    return { sql, args: params };
  });
  const run = () => clientOf(db).batch(statements, mode);
  const results = await retried(db, mode === "read" ? run : () => writing(db, run));
  return results.map((result, i) => prepared[i]?.mapResult(result, true)) as Results<Q>;
}

async function writing<T>(db: Database, run: () => Promise<T>): Promise<T> {
  const { writers, timeoutMs, deadline } = db.budget;
  const release = await takeWriter(db, writers, 2 * timeoutMs, deadline);
  try {
    return await run();
  } finally {
    release();
  }
}

/** Whoever is refused looks once whether the token was replaced. A registry that is down is no news then. */
const isReplaced = async (db: Database, error: unknown): Promise<boolean> =>
  isRefused(error) && db.reopen !== undefined && (await db.reopen().catch(() => false));

/** Tries again while nothing was applied and time is left; throws what `asFault` makes of the last try. */
export async function retried<T>(db: Database, run: () => Promise<T>): Promise<T> {
  let looked = false;
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!looked && (await isReplaced(db, error))) {
        looked = true;
        continue;
      }
      const pause = 2 ** attempt * 5 * (1 + Math.random());
      const late = Date.now() + pause >= db.budget.deadline;
      if (late || attempt > 5 || !isTransient(error)) throw asFault(error, db.label);
      await new Promise((wake) => setTimeout(wake, pause));
    }
  }
}
