import { and, eq, isNull, sql } from "drizzle-orm";
import { ApiError, unavailable } from "../../core/error.ts";
import type { AccountRole } from "../../core/roles.ts";
import { type Accepted, atVersion } from "../../db/columns.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { read } from "../read.ts";
import { asking, proved } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { noSuchUser } from "../users/users.service.ts";
import { users } from "../users/users.table.ts";
import { approachable, grantable, visible, workable } from "./accounts.rules.ts";
import { living } from "./accounts.service.ts";
import { accountMembers, accounts } from "./accounts.table.ts";
import type {
  AccountMember,
  AccountMemberPatch,
  MemberParams,
  NewAccountMember,
} from "./members.schema.ts";
import { assertWorkable, memberQuery, noSuchMember, toMember } from "./members.service.ts";

export async function addMember(
  scope: TenantScope,
  id: string,
  { userId, role }: NewAccountMember,
): Promise<AccountMember> {
  const { db, request } = scope;
  const at = { id, userId };
  const seat = insertSelect(
    db,
    accountMembers,
    { accountId: sql`${accounts}.id`, userId: sql`u.id`, role, createdAt: request.now },
    sql`from ${accounts} join ${users} u where ${living(id)} and ${workable(proved)}
      and u.id = ${userId} and u.deleted_at is null and ${grantable(sql`${role}`, proved)}
      and ${approachable(sql`u.id`, proved)}`,
  );
  const insert = must(seat, () => explain(scope, at, { role, isNew: true }));
  const [rows] = await commit(scope, [insert], [memberQuery(db, at)]).catch(already);
  return toMember(rows);
}

export async function changeMember(
  scope: TenantScope,
  at: MemberParams,
  { role }: AccountMemberPatch,
  accepted: Accepted,
): Promise<AccountMember> {
  const { db } = scope;
  const change = db
    .update(accountMembers)
    .set({ role, version: sql`${accountMembers.version} + 1` })
    .where(and(changeable(at, accepted), grantable(sql`${role}`, proved)));
  const [rows] = await commit(
    scope,
    [must(change, () => explain(scope, at, { accepted, role }))],
    [memberQuery(db, at)],
  );
  return toMember(rows);
}

export async function removeMember(
  scope: TenantScope,
  at: MemberParams,
  accepted: Accepted,
): Promise<void> {
  const remove = scope.db.delete(accountMembers).where(changeable(at, accepted));
  await commit(scope, [must(remove, () => explain(scope, at, { accepted }))], []);
}

/** A living member, of a role the caller could have handed out, of a living account they work in. */
const changeable = ({ id, userId }: MemberParams, accepted: Accepted) =>
  and(
    eq(accountMembers.accountId, id),
    eq(accountMembers.userId, userId),
    sql`exists (select 1 from ${accounts} where ${living(id)} and ${workable(proved)})`,
    sql`exists (select 1 from ${users} u where u.id = ${userId} and u.deleted_at is null)`,
    grantable(sql`${accountMembers}.role`, proved),
    atVersion(accountMembers.version, accepted),
  );

type Conditions = {
  /** The role they were to have. */
  readonly role?: AccountRole;
  readonly accepted?: Accepted;
  readonly isNew?: true;
};

/** The batch touched no row; a look at it says which condition failed. */
async function explain(
  scope: TenantScope,
  { id, userId }: MemberParams,
  { role, accepted, isNew }: Conditions,
): Promise<Error> {
  const [[row]] = await read(scope, (asked) => [lookQuery(asked, { id, userId }, role)]);
  assertWorkable(row);
  if (!row?.gives) return new ApiError("forbidden", `You may not hand out the role ${role}`);
  if (isNew && !row.user) return noSuchUser();
  if (isNew && !row.approachable)
    return new ApiError(
      "forbidden",
      "Who is in no account is for those who rule the tenant to place",
    );
  if (isNew) return changing();
  if (row.current === null || row.version === null) return noSuchMember();
  if (!row.takes)
    return new ApiError(
      "forbidden",
      `You may not change what somebody of the role ${row.current} is`,
    );
  if (Array.isArray(accepted) && !accepted.includes(row.version))
    return new ApiError("precondition_failed", "The membership changed since you read it");
  return changing();
}

function lookQuery(scope: TenantScope, { id, userId }: MemberParams, role?: AccountRole) {
  const by = asking(scope);
  const { role: current, version } = accountMembers;
  return scope.db
    .select({
      seen: visible(scope),
      mine: workable(by),
      gives: role ? grantable(sql`${role}`, by) : sql`true`,
      takes: grantable(sql`${current}`, by),
      approachable: approachable(sql`${users.id}`, by),
      user: users.id,
      current,
      version,
    })
    .from(accounts)
    .leftJoin(users, and(eq(users.id, userId), isNull(users.deletedAt)))
    .leftJoin(
      accountMembers,
      and(eq(accountMembers.accountId, accounts.id), eq(accountMembers.userId, users.id)),
    )
    .where(living(id));
}

const changing = () => unavailable("The membership is changing at this moment", undefined, 1);

function already(error: unknown): never {
  throw isUniqueViolation(error, "account_members.user_id")
    ? new ApiError("already_member", "The user is in this account already", { cause: error })
    : error;
}
