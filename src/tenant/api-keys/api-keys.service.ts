import { and, count, eq, isNull, type SQL } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { iso, isoOrNull } from "../../db/columns.ts";
import { pageOf } from "../../db/page.ts";
import { write } from "../../db/write.ts";
import { read } from "../read.ts";
import { asking } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { actor } from "../stamps.ts";
import { within } from "./api-keys.rules.ts";
import type { ApiKey, ApiKeysQuery } from "./api-keys.schema.ts";
import { apiKeys } from "./api-keys.table.ts";

const shown = {
  id: apiKeys.id,
  name: apiKeys.name,
  hint: apiKeys.hint,
  scopes: apiKeys.scopes,
  ownerId: apiKeys.ownerId,
  accountId: apiKeys.accountId,
  replacedBy: apiKeys.replacedBy,
  createdAt: apiKeys.createdAt,
  expiresAt: apiKeys.expiresAt,
  lastUsedAt: apiKeys.lastUsedAt,
  lastUsedIp: apiKeys.lastUsedIp,
  revokedAt: apiKeys.revokedAt,
};
type Row = Pick<typeof apiKeys.$inferSelect, keyof typeof shown>;

/** Newest first, those that are over included: the list is also the history. */
export async function listApiKeys(scope: TenantScope, query: ApiKeysQuery) {
  const page = pageOf(query, {
    list: `keys of ${scope.tenant.id}`,
    columns: { createdAt: apiKeys.createdAt },
    id: apiKeys.id,
  });
  const [rows, [counted]] = await read(scope, (asked) => {
    const visible = within(asking(asked));
    return [
      asked.db
        .select(shown)
        .from(apiKeys)
        .where(and(visible, page.after))
        .orderBy(...page.orderBy)
        .limit(page.limit)
        .offset(page.offset),
      asked.db.select({ total: count() }).from(apiKeys).where(visible),
    ];
  });
  return page.result(rows, counted?.total ?? 0, (row) => [row.createdAt, row.id], toWire);
}

export async function getApiKey(scope: TenantScope, id: string): Promise<ApiKey> {
  const [[row]] = await read(scope, (asked) => [
    asked.db
      .select(shown)
      .from(apiKeys)
      .where(and(eq(apiKeys.id, id), within(asking(asked)))),
  ]);
  if (!row) throw noSuchKey();
  return toWire(row);
}

export const toWire = ({ createdAt, expiresAt, lastUsedAt, revokedAt, ...row }: Row): ApiKey => ({
  ...row,
  createdAt: iso(createdAt),
  expiresAt: isoOrNull(expiresAt),
  lastUsedAt: isoOrNull(lastUsedAt),
  revokedAt: isoOrNull(revokedAt),
});

/** The key as stored: what `toWire` shows, and the digest that tells whether a text is its text. */
export const keyQuery = ({ db }: TenantScope, id: string) =>
  db
    .select({ ...shown, hash: apiKeys.hash })
    .from(apiKeys)
    .where(eq(apiKeys.id, id));

export const noSuchKey = () => new ApiError("not_found", "No such API key");

/** Ends whatever is good of somebody's keys. */
export const revokeKeysOf = (
  { db, request }: Pick<TenantScope, "db" | "request">,
  ownerId: SQL | string,
) =>
  write(
    db
      .update(apiKeys)
      .set({ revokedAt: request.now, revokedBy: actor })
      .where(and(eq(apiKeys.ownerId, ownerId), isNull(apiKeys.revokedAt))),
  );
