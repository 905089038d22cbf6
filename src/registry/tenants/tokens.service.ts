import { and, asc, eq, gt, isNotNull, isNull, lt, notInArray, or, type SQL } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import type { JobScope } from "../scope.ts";
import { tenants } from "./tenants.table.ts";
import { keepToken, kidOf, openToken, sealToken } from "./token-vault.ts";

const dayMs = 86_400_000;
const runMs = 60_000;
const atOnce = 4;
const pageSize = 100;
/** A month is time enough to notice that it does not work. */
const longestBeforeMs = 30 * dayMs;

/** Their databases are no more. */
const over = ["deleted" as const, "abandoned" as const];

type Row = { readonly id: string; readonly databaseName: string; readonly sealedToken: string };
type Kept = Partial<
  Pick<typeof tenants.$inferSelect, "sealedToken" | "sealedWith" | "tokenExpiresAt">
>;

/** Mints new tokens for tenants whose tokens are about to expire. The old ones are good until they do. */
export async function renewTokens(scope: JobScope) {
  const { platform, keyRing, tokensLastMs } = scope;
  const before = Date.now() + Math.min(longestBeforeMs, tokensLastMs / 3);
  const due = lt(tenants.tokenExpiresAt, before);
  return await forEach(scope, due, async ({ id, databaseName }) =>
    keepToken(keyRing, id, await platform.mintToken(databaseName)),
  );
}

/** Seals every token with the first key of the ring: once none is sealed with an old one, that may go. */
export async function resealTokens(scope: JobScope) {
  const { keyRing } = scope;
  const current = keyRing[0]?.kid ?? "";
  const { sealedWith } = tenants;
  const due = or(isNull(sealedWith), lt(sealedWith, current), gt(sealedWith, current));
  return await forEach(scope, due, async ({ id, sealedToken }) => {
    if (kidOf(sealedToken) === current) return { sealedWith: current };
    const token = await openToken(keyRing, id, sealedToken);
    return { sealedToken: await sealToken(keyRing, id, token), sealedWith: current };
  });
}

/** Page by page, a few at a time. One tenant's trouble is put down, and stops no other. */
async function forEach(scope: JobScope, due: SQL | undefined, change: (row: Row) => Promise<Kept>) {
  const until = Date.now() + runMs;
  const done = { tenants: 0, failed: 0 };
  const one = async (row: Row) => {
    done.tenants++;
    try {
      await keep(scope, row, await change(row));
    } catch (error) {
      done.failed++;
      scope.failed(row.id, error);
    }
  };
  for (let last = ""; Date.now() < until; ) {
    const rows = await take(scope, due, last);
    const queue = rows.values();
    const worker = async () => {
      for (const row of queue) await one(row);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    last = rows.at(-1)?.id ?? "";
    if (rows.length < pageSize) break;
  }
  return done;
}

async function take({ db }: JobScope, due: SQL | undefined, last: string): Promise<Row[]> {
  const { id, databaseName, sealedToken, status } = tenants;
  const [rows] = await batch(db, "read", [
    db
      .select({ id, databaseName, sealedToken })
      .from(tenants)
      .where(and(due, isNotNull(sealedToken), notInArray(status, over), gt(id, last)))
      .orderBy(asc(id))
      .limit(pageSize),
  ] as const);
  return rows.flatMap((row) => (row.sealedToken ? [{ ...row, sealedToken: row.sealedToken }] : []));
}

/** Whatever was stored since it was read is newer. */
async function keep(scope: JobScope, { id, sealedToken }: Row, kept: Kept): Promise<void> {
  const { db } = scope;
  const unchanged = and(eq(tenants.id, id), eq(tenants.sealedToken, sealedToken));
  await commit(scope, [write(db.update(tenants).set(kept).where(unchanged))]);
}
