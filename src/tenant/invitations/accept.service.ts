import { eq, type SQL, sql } from "drizzle-orm";
import { ApiError, unavailable } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { type Identity, isMadeFor } from "../../core/request.ts";
import type { TenantRole } from "../../core/roles.ts";
import { batch, statement } from "../../db/batch.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { recall } from "../../db/once.ts";
import { contextOf, GuardRefused, must, type Write, write, writeAudited } from "../../db/write.ts";
import { accountMembers, accounts } from "../accounts/accounts.table.ts";
import { revokeKeysOf } from "../api-keys/api-keys.service.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import { proved } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { userSessions } from "../sessions/sessions.table.ts";
import { actor } from "../stamps.ts";
import { userIdentities, users } from "../users/users.table.ts";
import type { AcceptedInvitation } from "./invitations.schema.ts";
import { noSuchInvitation } from "./invitations.service.ts";
import { invitations } from "./invitations.table.ts";

/** Somebody at the door: what they may touch of a tenant they are not in yet. */
export type Invited = Pick<TenantScope, "tenant" | "db" | "directory" | "request" | "once"> & {
  readonly caller: Identity;
};

/**
 * Lets the holder of a link in, once: in one batch the invitation is used up, the user there and
 * active, the identity linked. It takes the link, and a verified address that is the invitation's.
 */
export async function acceptInvitation(scope: Invited, hash: string): Promise<AcceptedInvitation> {
  const { caller, db, request, tenant, once } = scope;
  if (caller.email === null)
    throw new ApiError("verified_email_required", "Your token carries no verified e-mail address");
  if (!isMadeFor(caller, tenant))
    throw new ApiError("tenant_mismatch", "Your token was made for another tenant");
  const from = offerOf(scope, hash);
  const who = contextOf(request, { type: "user", id: sql`p.userId` });
  const context = { ...who, tenantRole: sql`p.given`, from };
  const reads = [outcomeOf(scope, hash)] as const;
  const work = writeAudited(db, context, arrival(scope, hash), reads, once);
  request.keepAlive(work);
  const [[row]] = await work.catch(async (error) => {
    // What it takes to accept is used up by accepting: a repetition is refused before it is known as one.
    const recalled = error instanceof GuardRefused && once && (await recall(db, once, reads));
    if (recalled) return recalled;
    if (error instanceof GuardRefused) throw await explain(scope, hash);
    throw isUniqueViolation(error, "users.email")
      ? new ApiError("email_taken", "Another user of this tenant has your e-mail address")
      : error;
  });
  if (!row) throw unavailable("The tenant cannot be read at this moment");
  const { name, ...accepted } = row;
  await index(scope, accepted.tenantRole);
  return { tenant: { id: tenant.id, slug: tenant.slug, name }, ...accepted };
}

/** What the living user is that the identity leads to; null where its person is not in. */
const linkedAs = ({ caller }: Invited): SQL => sql`(select u.tenant_role from ${userIdentities} i
  join ${users} u on u.id = i.user_id and u.deleted_at is null
  where i.issuer = ${caller.issuer} and i.subject = ${caller.subject})`;

/** The invitation `v`, and `x`, the user who waits for it, if it does not make a new one. */
const offers = sql`${invitations} v join ${tenantIdentity} t on t.id = 1
  left join ${users} x on x.id = coalesce(v.user_id, (select id from ${users}
    where email = v.email and deleted_at is null and status = 'pending'))`;

/** The user it was made for waits for it, or it was made for nobody in particular. */
const isAwaited = sql`(v.user_id is null or x.deleted_at is null and x.status = 'pending')`;

/** What they will be in the tenant: as invited, or more where they were given more since. */
const given = sql`case when 'owner' in (v.tenant_role, coalesce(x.tenant_role, '')) then 'owner'
  when 'admin' in (v.tenant_role, coalesce(x.tenant_role, '')) then 'admin' else 'member' end`;

/** The account they are invited to, and those the waiting user was placed in. */
const theirs = sql`(a.id = v.account_id
  or a.id in (select account_id from ${accountMembers} where user_id = x.id))`;

/**
 * An invitation is worth what its inviter may still grant, of all that comes with it. Owners grant
 * everything, admins all but owners, and the ADMIN of an account its own seats: if there is any other, or
 * none, it is not for them to let somebody in. A first owner the platform itself answers for.
 */
const isVouchedFor = sql`(v.inviter_id is null or exists (select 1 from ${users} w
  where w.id = v.inviter_id and w.deleted_at is null and w.status = 'active' and (
    w.tenant_role = 'owner'
    or w.tenant_role = 'admin' and ${given} <> 'owner'
    or ${given} = 'member'
      and exists (select 1 from ${accounts} a where ${theirs})
      and not exists (select 1 from ${accounts} a where ${theirs} and not exists (
        select 1 from ${accountMembers} m where m.account_id = a.id and m.user_id = w.id
          and m.role = 'ADMIN' and a.active and a.deleted_at is null)))))`;

/** One row while the link is good for the caller: who they will be. */
const offerOf = (scope: Invited, hash: string): SQL => sql`
  select coalesce(x.id, ${newId("user", scope.request.now)}) as userId, ${given} as given
  from ${offers}
  where v.token_hash = ${hash} and v.state = 'pending' and v.expires_at > ${scope.request.now}
    and v.email = ${scope.caller.email} and t.tenant_id = ${scope.tenant.id} and t.status = 'active'
    and ${isVouchedFor} and ${isAwaited} and ${linkedAs(scope)} is null`;

function arrival({ caller, db, request }: Invited, hash: string): Write[] {
  const { now } = request;
  const { issuer, subject, email, name } = caller;
  const made = { createdAt: now, updatedAt: now, createdBy: actor, updatedBy: actor };
  const offered = sql`from ${invitations} v where v.token_hash = ${hash}`;
  const before = sql`(select user_id from ${userIdentities}
    where issuer = ${issuer} and subject = ${subject} and user_id <> ${actor})`;
  return [
    write(
      insertSelect(
        db,
        users,
        {
          id: actor,
          email: sql`v.email`,
          name: sql`coalesce(v.name, ${name}, v.email)`,
          status: "active",
          tenantRole: proved.tenantRole,
          ...made,
        },
        sql`${offered} and not exists (select 1 from ${users} where id = ${actor})`,
      ),
    ),
    write(
      statement(
        db,
        sql`update ${users} set status = 'active', tenant_role = ${proved.tenantRole},
          version = version + 1, updated_at = ${now}, updated_by = ${actor}
          where id = ${actor} and status = 'pending'`,
      ),
    ),
    // Whoever the user was before, if anybody: their keys are not the newcomer's.
    revokeKeysOf({ db, request }, actor),
    // Who was a user here before is somebody new now. What was ended then stays so.
    write(
      statement(
        db,
        sql`update ${users} set signed_out_at = (select o.signed_out_at from ${users} o where o.id = ${before})
          where id = ${actor} and ${before} is not null`,
      ),
    ),
    write(
      statement(
        db,
        sql`update or ignore ${userSessions} set user_id = ${actor}
          where user_id = ${before} and revoked_at is not null`,
      ),
    ),
    write(
      insertSelect(
        db,
        userIdentities,
        { id: newId("identity", now), issuer, subject, userId: actor, email, createdAt: now },
        sql`where true on conflict (issuer, subject)
          do update set user_id = excluded.user_id, created_at = excluded.created_at`,
      ),
    ),
    write(
      insertSelect(
        db,
        accountMembers,
        { accountId: sql`a.id`, userId: actor, role: sql`v.account_role`, createdAt: now },
        sql`from ${invitations} v join ${accounts} a on a.id = v.account_id and a.deleted_at is null
          where v.token_hash = ${hash} and v.account_role is not null
          on conflict (account_id, user_id) do update set role = excluded.role, version = version + 1`,
      ),
    ),
    must(
      statement(
        db,
        sql`update ${invitations} set state = 'accepted', accepted_at = ${now}, accepted_by = ${actor},
          user_id = ${actor}, updated_at = ${now}, updated_by = ${actor}
          where token_hash = ${hash} and state = 'pending'`,
      ),
      noSuchInvitation,
    ),
  ];
}

/**
 * The index after the authority. They may be out again by then, above all where this is a repetition: what
 * is so now holds.
 */
async function index(scope: Invited, role: TenantRole): Promise<void> {
  const { caller, db, directory } = scope;
  await directory.saveMemberships([{ ...caller, role }]);
  const look = sql`select ${linkedAs(scope)} as role`;
  const [[now]] = await batch(db, "read", [statement<{ role: TenantRole | null }>(db, look)]);
  if (!now?.role) await directory.removeMemberships([caller]);
  else if (now.role !== role) await directory.saveMemberships([{ ...caller, role: now.role }]);
}

const outcomeOf = ({ db }: Invited, hash: string) =>
  db
    .select({
      name: tenantIdentity.name,
      userId: sql<string>`${invitations.userId}`,
      tenantRole: users.tenantRole,
      accountId: invitations.accountId,
      role: invitations.accountRole,
    })
    .from(invitations)
    .innerJoin(users, eq(users.id, invitations.userId))
    .innerJoin(tenantIdentity, sql`${tenantIdentity.id} = 1`)
    .where(sql`${invitations.tokenHash} = ${hash}`);

type Look = {
  readonly email: string;
  readonly state: (typeof invitations.$inferSelect)["state"];
  readonly over: 0 | 1;
  readonly good: 0 | 1;
  /** What the caller is here already. */
  readonly linkedAs: TenantRole | null;
  readonly suspended: 0 | 1;
};

/** Whoever holds the link of somebody else learns nothing of it but whose it may be. */
async function explain(scope: Invited, hash: string): Promise<Error> {
  const { caller, db, request } = scope;
  const look = sql`select v.email, v.state, v.expires_at <= ${request.now} as over,
      ${isVouchedFor} and ${isAwaited} as good, ${linkedAs(scope)} as linkedAs, t.status <> 'active' as suspended
    from ${offers} where v.token_hash = ${hash}`;
  const [[row]] = await batch(db, "read", [statement<Look>(db, look)] as const);
  if (!row) return noSuchInvitation();
  const { email, state, over, good, suspended } = row;
  if (email !== caller.email)
    return new ApiError(
      "invitation_email_mismatch",
      `This invitation is for ${masked(email)}: sign in with that address`,
    );
  // An acceptance whose second half was lost is made whole by its repetition.
  if (row.linkedAs) await scope.directory.saveMemberships([{ ...caller, role: row.linkedAs }]);
  if (state === "accepted")
    return new ApiError("invitation_used", "The invitation was accepted already");
  if (suspended) return new ApiError("tenant_suspended", "This tenant is suspended");
  if (row.linkedAs) return new ApiError("already_member", "You belong to this tenant already");
  if (state === "revoked" || !good)
    return new ApiError("invitation_revoked", "The invitation was withdrawn: ask for a new one");
  if (state === "expired" || over)
    return new ApiError("invitation_expired", "The invitation has expired: ask for a new one");
  return unavailable("The invitation is changing at this moment", undefined, 1);
}

/** Enough for its owner to know it by: `a…@a….test`. */
const masked = (email: string): string => email.replace(/^(.)[^@]*@(.).*(\.[^.]+)$/, "$1…@$2…$3");
