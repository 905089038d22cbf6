import { sql } from "drizzle-orm";
import { ApiError } from "../core/error.ts";
import {
  batch,
  type Prepared,
  preparedOf,
  type Query,
  type Results,
  rawQuery,
  statement,
} from "./batch.ts";
import type { Database } from "./connect.ts";
import { isUniqueViolation } from "./faults.ts";

/**
 * A request that is to have one effect, however often it arrives. What its batch read after it wrote is
 * put down by that batch, so that a repetition, even after a crash, is answered from the same rows.
 */
export type Once = {
  /** A digest of caller, operation and key. */
  readonly id: string;
  /** A digest of what was sent. */
  readonly fingerprint: string;
  readonly now: number;
  /** The first batch of the request settles it: its own effect, or that of the request it repeats. */
  outcome?: "done" | "replayed";
};

const keptMs = 24 * 3_600_000;

/** Before the writes: takes the key, or fails as `isRepetition` tells. */
export const takeIdempotencyKey = (db: Database, { id, fingerprint, now }: Once): Query[] => [
  statement(db, sql`delete from idempotency_keys where expires_at <= ${now}`),
  statement(
    db,
    sql`insert into idempotency_keys values (${id}, ${fingerprint}, '[]', ${now + keptMs})`,
  ),
];

export const isRepetition = (error: unknown): boolean =>
  isUniqueViolation(error, "idempotency_keys.id");

/** After the writes: puts the rows of each query down, as arrays. */
export const keepRows = ({ id }: Once, reads: readonly Query[]): Query[] =>
  reads.map((query) => {
    const prepared = preparedOf(query);
    const { sql: text, params } = prepared.getQuery();
    const columns = Array.from({ length: widthOf(prepared) }, (_, i) => `c${i}`).join(", ");
    return rawQuery(
      `update idempotency_keys set results = json_insert(results, '$[#]', json((with q(${columns}) as (${text}) ` +
        `select json_group_array(json_array(${columns})) from q))) where id = ?`,
      [...params, id],
    );
  });

/**
 * What the request this one repeats has read; undefined where it repeats none. Throws 422 where another
 * one used the key.
 */
export async function recall<const R extends readonly Query[]>(
  db: Database,
  once: Once,
  reads: R,
): Promise<Results<R> | undefined> {
  const stored = sql`select fingerprint, results from idempotency_keys where id = ${once.id}`;
  const [[found]] = await batch(db, "read", [statement<Stored>(db, stored)] as const);
  if (!found) return undefined;
  if (found.fingerprint !== once.fingerprint)
    throw new ApiError(
      "idempotency_mismatch",
      "Another request was sent with this Idempotency-Key",
    );
  once.outcome = "replayed";
  const rows = JSON.parse(found.results) as unknown[][][];
  return reads.map((query, i) =>
    preparedOf(query).mapResult({ rows: rows[i] ?? [] }, true),
  ) as unknown as Results<R>;
}

type Stored = { readonly fingerprint: string; readonly results: string };

function widthOf({ fields }: Prepared): number {
  if (!fields)
    throw new Error("Only a select of named columns can be read once and answered again");
  return fields.length;
}
