import { and, asc, eq, isNull, type SQL, sql } from "drizzle-orm";
import { ApiError, invalidField } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { type Identity, isMadeFor } from "../../core/request.ts";
import { iso } from "../../db/columns.ts";
import { must, provided, write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { mine } from "../principal.ts";
import { read } from "../read.ts";
import { proved } from "../rights.ts";
import { isBy, type TenantScope } from "../scope.ts";
import type { LinkedIdentity } from "./identities.schema.ts";
import { ruled } from "./users.rules.ts";
import { noSuchUser } from "./users.service.ts";
import { userIdentities, users } from "./users.table.ts";

const most = 10;

export const listMyIdentities = (scope: TenantScope) =>
  listIdentities(scope, mine(scope, "userId"));

export async function listIdentities(scope: TenantScope, userId: string | SQL) {
  const [[user], rows] = await read(scope, [
    scope.db
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.id, userId), isNull(users.deletedAt))),
    identitiesQuery(scope, eq(userIdentities.userId, userId)),
  ] as const);
  if (!user) throw noSuchUser();
  return { data: rows.map((row) => toIdentity(scope, row)) };
}

/** Links an identity its holder has just proved to be theirs. Doing it again changes nothing. */
export async function linkIdentity(scope: TenantScope, other: Identity): Promise<LinkedIdentity> {
  const { db, directory, request } = scope;
  const { issuer, subject, email } = other;
  const { now } = request;
  if (!isMadeFor(other, scope.tenant))
    throw invalidField("token: was made for another tenant", {
      in: "body",
      path: "token",
      message: "was made for another tenant",
    });
  const same = and(eq(userIdentities.issuer, issuer), eq(userIdentities.subject, subject)) as SQL;
  const own = sql`select count(*) from ${userIdentities} where user_id = ${proved.userId}`;
  const link = db
    .insert(userIdentities)
    .values({
      id: newId("identity", now),
      issuer,
      subject,
      userId: proved.userId,
      email,
      createdAt: now,
    })
    .onConflictDoNothing();
  const writes = [
    write(link),
    provided(
      sql`exists (select 1 from ${userIdentities} where ${same} and user_id = ${proved.userId})`,
      () => new ApiError("identity_taken", "This identity belongs to somebody else here"),
    ),
    provided(sql`(${own}) <= ${most}`, () => tooMany()),
  ];
  const [[row], [user]] = await commit(scope, writes, [
    identitiesQuery(scope, same),
    db
      .select({ role: users.tenantRole })
      .from(users)
      .where(eq(users.id, mine(scope, "userId"))),
  ] as const);
  if (!row || !user) throw noSuchUser();
  await directory.saveMemberships([{ issuer, subject, role: user.role }]);
  // A repetition may come when the identity was unlinked again: what is so now holds.
  const [[linked]] = await read(scope, [identitiesQuery(scope, same)] as const);
  if (!linked) await directory.removeMemberships([other]);
  return toIdentity(scope, row);
}

/**
 * One account at the provider for both signs in as the first identity everywhere: whoever is in other
 * tenants as the second would be out of them.
 */
export async function assertMergeable(
  scope: TenantScope,
  other: Identity,
  { kind }: { readonly kind: "none" | string },
): Promise<void> {
  const { directory } = scope;
  if (kind === "none")
    throw new ApiError("identity_management_off", "This deployment merges no accounts");
  if (await directory.belongsElsewhere(other))
    throw new ApiError("conflict", "The identity belongs to other tenants, which would lose it");
  // Whoever signs in as a platform admin is one.
  for (const identity of [other, ...(isBy(scope, "user") ? [scope.caller] : [])])
    if (await directory.isOperator(identity))
      throw new ApiError("conflict", "A platform admin's identity stays by itself");
}

export const unlinkMyIdentity = (scope: TenantScope, identityId: string) =>
  unlink(scope, identityId, {
    asked: sql`${userIdentities.userId} = ${mine(scope, "userId")}`,
    proved: sql`${userIdentities.userId} = ${proved.userId}`,
  });

export const unlinkIdentity = (scope: TenantScope, userId: string, identityId: string) =>
  unlink(scope, identityId, {
    asked: eq(userIdentities.userId, userId),
    proved: sql`${userIdentities.userId} = ${userId}
      and exists (select 1 from ${users} where ${users.id} = ${userId} and ${ruled(proved)})`,
  });

/** Never the last: somebody nobody can sign in as would be lost. */
async function unlink(scope: TenantScope, id: string, whose: { asked: SQL; proved: SQL }) {
  const { db, directory } = scope;
  // The index needs to know what the batch is about to forget.
  const known = identitiesQuery(scope, and(eq(userIdentities.id, id), whose.asked) as SQL);
  const [[row]] = await read(scope, [known] as const);
  if (!row) throw new ApiError("not_found", "No such identity");
  const others = sql`(select count(*) from ${userIdentities} o where o.user_id = ${row.userId}) > 1`;
  const remove = db.delete(userIdentities).where(and(eq(userIdentities.id, id), whose.proved));
  await commit(
    scope,
    [
      provided(others, () => new ApiError("last_identity", "Link another identity first")),
      must(remove, () => new ApiError("forbidden", "You may not manage this user")),
    ],
    [],
  );
  await directory.removeMemberships([row]);
}

const identitiesQuery = ({ db }: TenantScope, where: SQL) =>
  db.select().from(userIdentities).where(where).orderBy(asc(userIdentities.createdAt));

function toIdentity(scope: TenantScope, row: typeof userIdentities.$inferSelect): LinkedIdentity {
  const { id, issuer, subject, email, createdAt } = row;
  const current =
    isBy(scope, "user") && scope.caller.issuer === issuer && scope.caller.subject === subject;
  return { id, issuer, subject, email, current, createdAt: iso(createdAt) };
}

const tooMany = () =>
  new ApiError("quota_exceeded", `A user has ${most} identities of ${most}: remove one first`);
