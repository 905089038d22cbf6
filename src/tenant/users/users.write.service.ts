import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import type { AccountRole } from "../../core/roles.ts";
import { type Accepted, atVersion } from "../../db/columns.ts";
import type { TenantDb } from "../../db/connect.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { must, write } from "../../db/write.ts";
import { noSuchAccount } from "../accounts/accounts.service.ts";
import { accountMembers, accounts } from "../accounts/accounts.table.ts";
import { revokeKeysOf } from "../api-keys/api-keys.service.ts";
import { commit } from "../commit.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import {
  alreadyInvited,
  closeOver,
  closePending,
  closePendingOf,
  deliver,
  letterQuery,
  newInvitation,
} from "../invitations/issue.ts";
import { proved, type Rule, rules } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { actor, created, touched } from "../stamps.ts";
import { explain, identitiesOf, living } from "./users.refusal.ts";
import { manageable, ownerRemains, readmitted, ruled } from "./users.rules.ts";
import type { NewUser, User, UserPatch } from "./users.schema.ts";
import { toUser, userQueries } from "./users.service.ts";
import { userIdentities, users } from "./users.table.ts";

/** Starts `pending`: nobody can sign in as the new user before they accept the invitation they are sent. */
export async function createUser(scope: TenantScope, input: NewUser): Promise<User> {
  const { db, request } = scope;
  const { now } = request;
  const id = newId("user", now);
  const { email, name, profileImage, role } = input;
  const row = { id, email, name, profileImage, status: "pending", tenantRole: "member" } as const;
  const wanted = new Set(input.accountIds ?? [scope.accountId]);
  const joins = [...wanted].map((accountId) =>
    must(joining(db, accountId, id, role, now), noSuchAccount),
  );
  const insert = write(db.insert(users).values({ ...row, ...created(now) }));
  const invitation = await newInvitation(scope, {
    email,
    name,
    tenantRole: row.tenantRole,
    accountId: sql`null`,
    accountRole: null,
    userId: sql`${id}`,
  });
  const [user, memberOf, [letter]] = await commit(
    scope,
    [insert, ...joins, closeOver(scope, email), closePending(scope, email), ...invitation.writes],
    [...userQueries(db, id), letterQuery(scope, invitation.id)] as const,
  )
    .catch(emailTaken(`A user with the e-mail address ${email} exists`))
    .catch(alreadyInvited);
  if (scope.once?.outcome !== "replayed") request.keepAlive(deliver(scope, letter));
  return toUser([user, memberOf]);
}

/** Into the account named, or the tenant's first; only the caller's own unless they rule the tenant. */
const joining = (
  db: TenantDb,
  accountId: string | null,
  userId: string,
  role: AccountRole,
  now: number,
) =>
  insertSelect(
    db,
    accountMembers,
    { accountId: sql`a.id`, userId, role, createdAt: now },
    sql`from ${accounts} a join ${tenantIdentity} t
      where a.id = coalesce(${accountId}, t.default_account_id) and a.deleted_at is null
        and (${rules(proved)} or a.id = ${proved.accountId})`,
  );

/** Merges `patch` into the user, if they still are what the caller saw. */
export async function updateUser(
  scope: TenantScope,
  id: string,
  patch: UserPatch,
  accepted: Accepted,
): Promise<User> {
  const { db, request } = scope;
  const { status, ...fields } = patch;
  const rule = status === "active" ? readmitted : manageable;
  const update = db
    .update(users)
    .set({
      ...fields,
      ...(status && { status: status === "active" ? reactivated : status }),
      ...touched(users.version, request.now),
    })
    .where(
      and(
        living(id),
        rule(proved),
        atVersion(users.version, accepted),
        status === "suspended" ? ownerRemains : undefined,
      ),
    );
  const change = must(update, () => explain(scope, id, { accepted, rule }));
  return toUser(
    await commit(scope, [change], userQueries(db, id)).catch(
      emailTaken(`A user with the e-mail address ${patch.email} exists`),
    ),
  );
}

/**
 * Out at once, and their keys with them for good. The identity stays linked to a deleted user, so nothing
 * lets it in again by itself.
 */
export async function deleteUser(
  scope: TenantScope,
  id: string | SQL,
  accepted: Accepted,
  rule: Rule = manageable,
): Promise<void> {
  const { db, directory, request } = scope;
  const remove = db
    .update(users)
    .set({ deletedAt: request.now, deletedBy: actor, ...touched(users.version, request.now) })
    .where(and(living(id), rule(proved), atVersion(users.version, accepted), ownerRemains));
  const [identities] = await commit(
    scope,
    [
      must(remove, () => explain(scope, id, { accepted, rule })),
      revokeKeysOf(scope, id),
      closePendingOf(scope, id),
    ],
    [identitiesOf(scope, id)],
  );
  await directory.removeMemberships(identities);
}

/**
 * Brings a deleted user back, unless their address has been given to someone else: without their keys, and
 * waiting to be invited if their identity is another's by now.
 */
export async function restoreUser(scope: TenantScope, id: string): Promise<User> {
  const { db, directory, request } = scope;
  const restore = db
    .update(users)
    .set({
      deletedAt: null,
      deletedBy: null,
      status: sql`iif(${users.status} = 'active', ${reactivated}, ${users.status})`,
      ...touched(users.version, request.now),
    })
    .where(and(eq(users.id, id), isNotNull(users.deletedAt), ruled(proved)));
  const [user, memberOf, identities] = await commit(
    scope,
    [must(restore, () => explain(scope, id, { state: "deleted", rule: ruled }))],
    [...userQueries(db, id), identitiesOf(scope, id)],
  ).catch(emailTaken("A user with this e-mail address exists"));
  const restored = toUser([user, memberOf]);
  await directory.saveMemberships(
    identities.map((identity) => ({ ...identity, role: restored.tenantRole })),
  );
  return restored;
}

/** Somebody nobody can sign in as yet is pending again. */
const reactivated = sql`case when exists (select 1 from ${userIdentities} i where i.user_id = ${users.id})
  then 'active' else 'pending' end`;

const emailTaken =
  (detail: string) =>
  (error: unknown): never => {
    throw isUniqueViolation(error, "users.email")
      ? new ApiError("email_taken", detail, { cause: error })
      : error;
  };
