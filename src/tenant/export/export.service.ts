import { sql } from "drizzle-orm";
import { unavailable } from "../../core/error.ts";
import { digestAfter, noRows } from "../../core/row-digest.ts";
import { statement } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import { type Exported, exported, nameOf, rowOf } from "./exported.ts";

/** An import takes only what was made by a release with the same tables. */
export const madeWith = { schemaVersion: tenantMigrations.length };

const exportMs = 10 * 60_000;
const mostRows = 1000;
const heaviest = 1_000_000;

type Row = { readonly key: number; readonly row: string };
type Count = { readonly name: string; readonly rows: number; readonly digest: string };

/**
 * All of the tenant's data as lines: a head, the rows table by table, and at the end what there was of
 * each, so that a file which breaks off never looks whole. Each page proves the caller anew.
 */
export async function* exportTenant(scope: TenantScope): AsyncGenerator<string[], void> {
  const { tenant, request } = scope;
  const until = request.now + exportMs;
  const ends = sql.join(
    exported.map((each) => sql`select coalesce(max(rowid), 0) as top from ${each.table}`),
    sql` union all `,
  );
  const [tops] = await read(scope, [statement<{ top: number }>(scope.db, ends)] as const);
  const exportedAt = new Date(request.now).toISOString();
  yield [
    JSON.stringify({ format: 1, ...madeWith, tenantId: tenant.id, slug: tenant.slug, exportedAt }),
  ];
  const counts: Count[] = [];
  for (const [i, each] of exported.entries()) {
    let count: Count = { name: nameOf(each), rows: 0, digest: noRows };
    for await (const page of pagesOf(scope, each, tops[i]?.top ?? 0)) {
      if (Date.now() > until)
        throw unavailable("The export takes too long: restore a backup instead");
      count = { ...count, ...withPage(count, page) };
      yield page.map(({ row }) => `{"table":"${count.name}","row":${row}}`);
    }
    counts.push(count);
  }
  yield [JSON.stringify({ manifest: { format: 1, tenantId: tenant.id, tables: counts } })];
}

const withPage = ({ rows, digest }: Count, page: readonly Row[]) => ({
  rows: rows + page.length,
  digest: page.reduce((before, { row }) => digestAfter(before, row), digest),
});

async function* pagesOf(scope: TenantScope, table: Exported, top: number) {
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const step = scope.renewed();
    const [page] = await read(step, [pageOf(step.db, table, after, top)] as const);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    after = last.key;
  }
}

/** Rows as they lie: the key of the table itself, which no index has to be kept for. */
const pageOf = (db: TenantDb, each: Exported, after: number, top: number) =>
  statement<Row>(
    db,
    sql`select key, row from (
      select key, row, sum(length(row)) over (order by key) - length(row) as before from (
        select rowid as key, ${rowOf(each)} as row from ${each.table}
        where rowid > ${after} and rowid <= ${top} order by rowid limit ${mostRows}))
      where before < ${heaviest} order by key`,
  );
