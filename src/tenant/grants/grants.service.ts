import { and, count, eq, isNull, type SQL, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { iso, isoOrNull } from "../../db/columns.ts";
import type { TenantDb } from "../../db/connect.ts";
import { pageOf } from "../../db/page.ts";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import { actor } from "../stamps.ts";
import type { AccessGrant, GrantsQuery } from "./grants.schema.ts";
import { accessGrants } from "./grants.table.ts";

export async function listGrants(scope: TenantScope, query: GrantsQuery) {
  const { db, tenant, request } = scope;
  const { queries, result } = grantPage(db, tenant.id, query, request.now);
  return result(await read(scope, queries));
}

/** The tenant puts a platform admin out: their next request is a stranger's. */
export async function endGrant(scope: TenantScope, id: string): Promise<void> {
  await commit(scope, [ending(scope.db, id, scope.request.now)], []);
}

export const ending = (db: TenantDb, id: string, now: number) =>
  must(
    db
      .update(accessGrants)
      .set({ endedAt: now, endedBy: actor })
      .where(
        and(
          eq(accessGrants.id, id),
          isNull(accessGrants.endedAt),
          sql`${accessGrants.expiresAt} > ${now}`,
        ),
      ),
    noSuchGrant,
  );

/** Newest first, those that are over included. */
export function grantPage(db: TenantDb, tenantId: string, query: GrantsQuery, now: number) {
  const page = pageOf(query, {
    list: `grants of ${tenantId}`,
    columns: { createdAt: accessGrants.createdAt },
    id: accessGrants.id,
  });
  const queries = [
    db
      .select()
      .from(accessGrants)
      .where(page.after)
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(accessGrants),
  ] as const;
  const result = ([rows, [counted]]: [Row[], { total: number }[]]) =>
    page.result(
      rows,
      counted?.total ?? 0,
      (row) => [row.createdAt, row.id],
      (row) => toGrant(row, now),
    );
  return { queries, result };
}

export const grantQuery = (db: TenantDb, id: string) =>
  db
    .select()
    .from(accessGrants)
    .where(eq(accessGrants.id, id) as SQL);

type Row = typeof accessGrants.$inferSelect;

export function toGrant(row: Row | undefined, now: number): AccessGrant {
  if (!row) throw noSuchGrant();
  const { id, issuer, subject, email, reason, mode, createdAt, expiresAt, endedAt } = row;
  return {
    id,
    operator: `${issuer}|${subject}`,
    email,
    reason,
    mode,
    active: endedAt === null && expiresAt > now,
    createdAt: iso(createdAt),
    expiresAt: iso(expiresAt),
    endedAt: isoOrNull(endedAt),
  };
}

const noSuchGrant = () => new ApiError("not_found", "No such access grant, or it is over");
