import { and, eq, type SQL, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { must, provided, type Write } from "../../db/write.ts";
import { accounts } from "../accounts/accounts.table.ts";
import { commit } from "../commit.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import { read } from "../read.ts";
import { asking, proved, rules } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { actor } from "../stamps.ts";
import { users } from "../users/users.table.ts";
import { grantable, isNew, isWelcome, unwelcome, within } from "./invitations.rules.ts";
import type { Invitation, NewInvitation } from "./invitations.schema.ts";
import { invitationQuery, noSuchInvitation, toInvitation } from "./invitations.service.ts";
import { invitations } from "./invitations.table.ts";
import {
  alreadyInvited,
  closeOver,
  deliver,
  expiry,
  letterQuery,
  newInvitation,
  tokenOf,
} from "./issue.ts";

/** Invites an address. The mail goes out beside the request; nobody is told what else the address is. */
export async function createInvitation(
  scope: TenantScope,
  { email, name, tenantRole, accountId, role }: NewInvitation,
): Promise<Invitation> {
  const account = sql`coalesce(${accountId ?? null}, ${proved.accountId}, (select default_account_id from ${tenantIdentity}))`;
  const { id, writes } = await newInvitation(scope, {
    email,
    name: name ?? null,
    tenantRole,
    accountId: account,
    accountRole: role,
    userId: sql`(select id from ${users} where email = ${email} and deleted_at is null)`,
  });
  return await issue(scope, id, [
    provided(grantable(sql`${tenantRole}`, proved), beyond),
    provided(
      sql`exists (select 1 from ${accounts} where id = ${account} and deleted_at is null
        and (${rules(proved)} or id = ${proved.accountId}))`,
      () => new ApiError("not_found", "No such account"),
    ),
    provided(isNew(sql`${email}`), alreadyMember),
    closeOver(scope, email),
    ...writes,
  ]);
}

/** A new link and a new expiry: the old link is dead from now on. */
export async function resendInvitation(scope: TenantScope, id: string): Promise<Invitation> {
  const { db, request } = scope;
  const { now } = request;
  const { hash } = await tokenOf(scope, id, now);
  const renewal = db
    .update(invitations)
    .set({
      tokenHash: hash,
      issuedAt: now,
      expiresAt: expiry(now),
      sentAt: null,
      state: "pending",
      inviterId: proved.userId,
      updatedAt: now,
      updatedBy: actor,
    })
    .where(and(eq(invitations.id, id), sql`state in ('pending', 'expired')`, within(proved)));
  const of = (column: SQL) => sql`(select ${column} from ${invitations} where id = ${id})`;
  const writes = [
    provided(grantable(sql`coalesce(${of(sql`tenant_role`)}, 'member')`, proved), beyond),
    must(renewal, () => explain(scope, id)),
    provided(isWelcome(of(sql`email`)), unwelcome),
    provided(isNew(of(sql`email`)), alreadyMember),
  ];
  return await issue(scope, id, writes);
}

/** Writes the invitation, and has its mail go beside the request. */
async function issue(scope: TenantScope, id: string, writes: readonly Write[]) {
  const [[stored], [letter]] = await commit(scope, writes, [
    invitationQuery(scope, id),
    letterQuery(scope, id),
  ] as const).catch(alreadyInvited);
  if (scope.once?.outcome !== "replayed") scope.request.keepAlive(deliver(scope, letter));
  return toInvitation(stored);
}

export async function revokeInvitation(scope: TenantScope, id: string): Promise<void> {
  const { tenantRole, state } = invitations;
  const revoke = scope.db
    .update(invitations)
    .set({ state: "revoked", updatedAt: scope.request.now, updatedBy: actor })
    .where(
      and(
        eq(invitations.id, id),
        eq(state, "pending"),
        within(proved),
        grantable(sql`${tenantRole}`, proved),
      ),
    );
  await commit(scope, [must(revoke, () => explain(scope, id))], []);
}

async function explain(scope: TenantScope, id: string): Promise<Error> {
  const [[row]] = await read(scope, (asked) => [
    asked.db
      .select({
        state: invitations.state,
        mine: grantable(sql`${invitations.tenantRole}`, asking(asked)),
      })
      .from(invitations)
      .where(and(eq(invitations.id, id), within(asking(asked)))),
  ]);
  if (!row) return noSuchInvitation();
  if (!row.mine) return beyond();
  if (row.state === "accepted")
    return new ApiError("invitation_used", "The invitation was accepted already");
  return new ApiError("conflict", `The invitation is ${row.state}: make a new one`);
}

const alreadyMember = () =>
  new ApiError("already_member", "Somebody with this address belongs to the tenant already");
const beyond = () => new ApiError("forbidden", "You may not give a right you do not have");
