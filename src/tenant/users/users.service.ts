import { and, asc, count, eq, isNull, or, type SQL } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { iso } from "../../db/columns.ts";
import type { TenantDb } from "../../db/connect.ts";
import { pageOf } from "../../db/page.ts";
import { contains } from "../../db/search.ts";
import { accountMembers, accounts } from "../accounts/accounts.table.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import type { User, UserSummary, UsersQuery } from "./users.schema.ts";
import { users } from "./users.table.ts";

const summary = {
  id: users.id,
  email: users.email,
  name: users.name,
  profileImage: users.profileImage,
  status: users.status,
  tenantRole: users.tenantRole,
  version: users.version,
  createdAt: users.createdAt,
  updatedAt: users.updatedAt,
};
const sortable = {
  createdAt: users.createdAt,
  updatedAt: users.updatedAt,
  name: users.name,
  email: users.email,
};

export async function listUsers(scope: TenantScope, query: UsersQuery) {
  const { db, tenant } = scope;
  const filter = and(isNull(users.deletedAt), matches(query));
  const page = pageOf(query, { list: `users of ${tenant.id}`, columns: sortable, id: users.id });
  const [rows, [counted]] = await read(scope, [
    db
      .select(summary)
      .from(users)
      .where(and(filter, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(users).where(filter),
  ] as const);
  return page.result(
    rows,
    counted?.total ?? 0,
    (row) => [row[query.sortBy], row.id],
    (row): UserSummary => ({
      ...row,
      createdAt: iso(row.createdAt),
      updatedAt: iso(row.updatedAt),
    }),
  );
}

const matches = ({ search, status }: UsersQuery) =>
  and(
    status && eq(users.status, status),
    search ? or(contains(users.name, search), contains(users.email, search)) : undefined,
  );

export async function getUser(scope: TenantScope, id: string): Promise<User> {
  return toUser(await read(scope, userQueries(scope.db, id)));
}

/** A living user and where they belong: what `toUser` makes a `User` of, in any batch. */
export const userQueries = (db: TenantDb, id: string | SQL) =>
  [
    db
      .select({ ...summary, createdBy: users.createdBy, updatedBy: users.updatedBy })
      .from(users)
      .where(and(eq(users.id, id), isNull(users.deletedAt))),
    accountsOf(db, id),
  ] as const;

/** The living accounts a user is in, and as what. */
export const accountsOf = (db: TenantDb, userId: string | SQL) =>
  db
    .select({ accountId: accounts.id, name: accounts.name, role: accountMembers.role })
    .from(accountMembers)
    .innerJoin(accounts, eq(accounts.id, accountMembers.accountId))
    .where(and(eq(accountMembers.userId, userId), isNull(accounts.deletedAt)))
    .orderBy(asc(accounts.name));

type UserRows = {
  [K in 0 | 1]: Awaited<ReturnType<typeof userQueries>[K]>;
};

export function toUser({ 0: [row], 1: memberOf }: UserRows): User {
  if (!row) throw noSuchUser();
  return {
    ...row,
    createdAt: iso(row.createdAt),
    updatedAt: iso(row.updatedAt),
    accounts: memberOf,
  };
}

/** One text for ids that never were, that are gone and that are another tenant's. */
export const noSuchUser = () => new ApiError("not_found", "No such user");

export const changedSince = () =>
  new ApiError("precondition_failed", "It changed since you read it");
