import { and, count, eq, isNull } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { iso } from "../../db/columns.ts";
import type { TenantDb } from "../../db/connect.ts";
import { pageOf } from "../../db/page.ts";
import { read } from "../read.ts";
import { asking } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { users } from "../users/users.table.ts";
import { visible, workable } from "./accounts.rules.ts";
import { living, noSuchAccount } from "./accounts.service.ts";
import { accountMembers, accounts } from "./accounts.table.ts";
import type { AccountMember, MemberParams, MembersQuery } from "./members.schema.ts";

const columns = {
  userId: accountMembers.userId,
  name: users.name,
  email: users.email,
  status: users.status,
  role: accountMembers.role,
  version: accountMembers.version,
  createdAt: accountMembers.createdAt,
};
const livingUser = and(eq(users.id, accountMembers.userId), isNull(users.deletedAt));

export async function listMembers(scope: TenantScope, id: string, query: MembersQuery) {
  const { db, tenant } = scope;
  const here = eq(accountMembers.accountId, id);
  const page = pageOf(query, {
    list: `members of ${id} of ${tenant.id}`,
    columns: { createdAt: accountMembers.createdAt },
    id: accountMembers.userId,
  });
  const members = db
    .select(columns)
    .from(accountMembers)
    .innerJoin(users, livingUser)
    .where(and(here, page.after))
    .orderBy(...page.orderBy)
    .limit(page.limit)
    .offset(page.offset);
  const total = db
    .select({ total: count() })
    .from(accountMembers)
    .innerJoin(users, livingUser)
    .where(here);
  const [[place], rows, [counted]] = await read(scope, (asked) => [
    placeQuery(asked, id),
    members,
    total,
  ]);
  assertWorkable(place);
  return page.result(rows, counted?.total ?? 0, (row) => [row.createdAt, row.userId], toWire);
}

export async function getMember(scope: TenantScope, at: MemberParams): Promise<AccountMember> {
  const [[place], rows] = await read(scope, (asked) => [
    placeQuery(asked, at.id),
    memberQuery(asked.db, at),
  ]);
  assertWorkable(place);
  return toMember(rows);
}

/** The living account the path names: whether the caller may know of it, and whether they work there. */
const placeQuery = (scope: TenantScope, id: string) =>
  scope.db
    .select({ seen: visible(scope), mine: workable(asking(scope)) })
    .from(accounts)
    .where(living(id));

type Place = { readonly seen: unknown; readonly mine: unknown };

export function assertWorkable(place: Place | undefined): void {
  if (!place?.seen) throw noSuchAccount();
  if (!place.mine) throw new ApiError("forbidden", "This is not the account you work in");
}

/** A living user in the account: what `toMember` makes an `AccountMember` of, after any write. */
export const memberQuery = (db: TenantDb, { id, userId }: MemberParams) =>
  db
    .select(columns)
    .from(accountMembers)
    .innerJoin(users, livingUser)
    .where(and(eq(accountMembers.accountId, id), eq(accountMembers.userId, userId)));

type Row = Awaited<ReturnType<typeof memberQuery>>[number];

const toWire = (row: Row): AccountMember => ({ ...row, createdAt: iso(row.createdAt) });

export function toMember([row]: readonly Row[]): AccountMember {
  if (!row) throw noSuchMember();
  return toWire(row);
}

/** One text for users that never were, that are gone and that are not in the account. */
export const noSuchMember = () => new ApiError("not_found", "No such member");
