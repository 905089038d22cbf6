import { and, count, eq, isNull, type SQL, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { iso } from "../../db/columns.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { pageOf } from "../../db/page.ts";
import { must, provided, write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { mine } from "../principal.ts";
import { read } from "../read.ts";
import { proved } from "../rights.ts";
import { isBy, type TenantScope } from "../scope.ts";
import { actor } from "../stamps.ts";
import { ruled } from "../users/users.rules.ts";
import { noSuchUser } from "../users/users.service.ts";
import { users } from "../users/users.table.ts";
import type { Session, SessionsQuery } from "./sessions.schema.ts";
import { userSessions } from "./sessions.table.ts";

export const listMySessions = (scope: TenantScope, query: SessionsQuery) =>
  listSessions(scope, query, mine(scope, "userId"));

export const listSessionsOf = (scope: TenantScope, query: SessionsQuery, userId: string) =>
  listSessions(scope, query, sql`${userId}`);

/** What is not revoked, newest first. */
async function listSessions(scope: TenantScope, query: SessionsQuery, owner: SQL) {
  const { db, tenant } = scope;
  const current = isBy(scope, "user") ? scope.caller.sid : null;
  const theirs = and(eq(userSessions.userId, owner), isNull(userSessions.revokedAt));
  const page = pageOf(query, {
    list: `sessions of ${tenant.id}`,
    columns: { lastSeenAt: userSessions.lastSeenAt },
    id: userSessions.id,
  });
  const [[owned], rows, [counted]] = await read(scope, [
    db
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.id, owner), isNull(users.deletedAt))),
    db
      .select({
        id: userSessions.id,
        userId: userSessions.userId,
        sid: userSessions.sid,
        firstSeenAt: userSessions.firstSeenAt,
        lastSeenAt: userSessions.lastSeenAt,
        ip: userSessions.ip,
        userAgent: userSessions.userAgent,
      })
      .from(userSessions)
      .where(and(theirs, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(userSessions).where(theirs),
  ] as const);
  if (!owned) throw noSuchUser();
  return page.result(
    rows,
    counted?.total ?? 0,
    (row) => [row.lastSeenAt, row.id],
    ({ sid, firstSeenAt, lastSeenAt, ...row }): Session => ({
      ...row,
      current: sid === current && row.userId === owned.id,
      firstSeenAt: iso(firstSeenAt),
      lastSeenAt: iso(lastSeenAt),
    }),
  );
}

/** One's own, or anybody's one may manage. Its tokens are refused from the next request on. */
export async function revokeSession(scope: TenantScope, id: string): Promise<void> {
  const { db } = scope;
  const managed = sql`exists (select 1 from ${users} where ${users.id} = ${userSessions.userId} and ${ruled(proved)})`;
  const revoke = db
    .update(userSessions)
    .set(revoked(scope))
    .where(
      and(
        eq(userSessions.id, id),
        isNull(userSessions.revokedAt),
        sql`(${userSessions.userId} = ${actor} or ${managed})`,
      ),
    );
  await commit(scope, [must(revoke, noSuchSession)], []);
}

export const endAllMySessions = (scope: TenantScope) => endAll(scope, proved.userId, sql`true`);

/** For somebody whose device was lost, or who was fooled. */
export const endAllSessionsOf = (scope: TenantScope, userId: string) =>
  endAll(scope, sql`${userId}`, ruled(proved));

/** Everywhere at once: sessions that were seen, and every token issued until now. */
async function endAll(scope: TenantScope, userId: SQL, rule: SQL): Promise<void> {
  const { db, request } = scope;
  const theirs = and(eq(users.id, userId), isNull(users.deletedAt));
  const exists = sql`exists (select 1 from ${users} where ${theirs})`;
  // Tokens tell the second they were made in: those of the one under way are over, too.
  const signedOutAt = Math.floor(request.now / 1000) * 1000 + 1000;
  const signOut = db.update(users).set({ signedOutAt }).where(and(theirs, rule));
  const revoke = db
    .update(userSessions)
    .set(revoked(scope))
    .where(and(eq(userSessions.userId, userId), isNull(userSessions.revokedAt)));
  const writes = [provided(exists, noSuchUser), must(signOut, notYours), write(revoke)];
  await commit(scope, writes, []);
}

/** Signs out of this tenant: whatever token of this session comes next is refused, seen before or not. */
export async function endMySession(scope: TenantScope): Promise<void> {
  const { db, request } = scope;
  const { now, ip, userAgent } = request;
  // Others than people the guard refuses.
  const sid = isBy(scope, "user") ? scope.caller.sid : "";
  const me = sql`actor_id`;
  const seen = { firstSeenAt: now, lastSeenAt: now, ip, userAgent };
  const end = insertSelect(
    db,
    userSessions,
    { id: newId("session", now), userId: me, sid, ...seen, revokedAt: now, revokedBy: me },
    sql`from audit_context where true on conflict (user_id, sid)
      do update set revoked_at = excluded.revoked_at, revoked_by = excluded.revoked_by`,
  );
  await commit(scope, [write(end)], []);
}

const revoked = ({ request }: TenantScope) => ({ revokedAt: request.now, revokedBy: actor });

const noSuchSession = () => new ApiError("not_found", "No such session");
const notYours = () => new ApiError("forbidden", "You may not manage this user");
