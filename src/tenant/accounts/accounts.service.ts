import { and, count, eq, isNull } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { iso } from "../../db/columns.ts";
import type { TenantDb } from "../../db/connect.ts";
import { pageOf } from "../../db/page.ts";
import { contains } from "../../db/search.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import { visible } from "./accounts.rules.ts";
import type { Account, AccountsQuery } from "./accounts.schema.ts";
import { accounts } from "./accounts.table.ts";

const columns = {
  id: accounts.id,
  name: accounts.name,
  description: accounts.description,
  domain: accounts.domain,
  settings: accounts.settings,
  active: accounts.active,
  version: accounts.version,
  createdAt: accounts.createdAt,
  updatedAt: accounts.updatedAt,
  createdBy: accounts.createdBy,
  updatedBy: accounts.updatedBy,
};
const sortable = { createdAt: accounts.createdAt, name: accounts.name };

export async function listAccounts(scope: TenantScope, query: AccountsQuery) {
  const { db, tenant } = scope;
  const page = pageOf(query, {
    list: `accounts of ${tenant.id}`,
    columns: sortable,
    id: accounts.id,
  });
  const [rows, [counted]] = await read(scope, (asked) => {
    const filter = and(isNull(accounts.deletedAt), matches(query), visible(asked));
    return [
      db
        .select(columns)
        .from(accounts)
        .where(and(filter, page.after))
        .orderBy(...page.orderBy)
        .limit(page.limit)
        .offset(page.offset),
      db.select({ total: count() }).from(accounts).where(filter),
    ] as const;
  });
  return page.result(rows, counted?.total ?? 0, (row) => [row[query.sortBy], row.id], toWire);
}

const matches = ({ search, active }: AccountsQuery) =>
  and(
    active === undefined ? undefined : eq(accounts.active, active),
    search ? contains(accounts.name, search) : undefined,
  );

export async function getAccount(scope: TenantScope, id: string): Promise<Account> {
  const [rows] = await read(scope, (asked) => [
    asked.db
      .select(columns)
      .from(accounts)
      .where(and(living(id), visible(asked))),
  ]);
  return toAccount(rows);
}

/** A living account: what `toAccount` makes an `Account` of, after any write. */
export const accountQuery = (db: TenantDb, id: string) =>
  db.select(columns).from(accounts).where(living(id));

export const living = (id: string) => and(eq(accounts.id, id), isNull(accounts.deletedAt));

type Row = Awaited<ReturnType<typeof accountQuery>>[number];

const toWire = (row: Row): Account => ({
  ...row,
  createdAt: iso(row.createdAt),
  updatedAt: iso(row.updatedAt),
});

export function toAccount([row]: readonly Row[]): Account {
  if (!row) throw noSuchAccount();
  return toWire(row);
}

/** One text for ids that never were, that are gone, that are another tenant's and that are not for the caller. */
export const noSuchAccount = () => new ApiError("not_found", "No such account");
