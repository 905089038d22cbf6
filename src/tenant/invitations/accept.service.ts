import { type SQL, sql } from "drizzle-orm";
import { ApiError, unavailable } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import type { Identity } from "../../core/request.ts";
import type { TenantRole } from "../../core/roles.ts";
import { batch, statement } from "../../db/batch.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { recall } from "../../db/once.ts";
import { contextOf, GuardRefused, must, type Write, write, writeAudited } from "../../db/write.ts";
import { accountMembers, accounts } from "../accounts/accounts.table.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import type { TenantScope } from "../scope.ts";
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
  const { caller, db, directory, request, tenant, once } = scope;
  if (caller.email === null)
    throw new ApiError("verified_email_required", "Your token carries no verified e-mail address");
  const from = offerOf(scope, hash);
  const context = { ...contextOf(request, { type: "user", id: sql`p.userId` }), from };
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
  await directory.saveMemberships([{ ...caller, role: accepted.tenantRole }]);
  return { tenant: { id: tenant.id, slug: tenant.slug, name }, ...accepted };
}

/** What the living user is that the identity leads to; null where its person is not in. */
const linkedAs = ({ caller }: Invited): SQL => sql`(select u.tenant_role from ${userIdentities} i
  join ${users} u on u.id = i.user_id and u.deleted_at is null
  where i.issuer = ${caller.issuer} and i.subject = ${caller.subject})`;

/** An invitation is worth what its inviter may still grant. `v` is the invitation. */
const isVouchedFor = sql`exists (select 1 from ${users} w
  where w.id = v.inviter_id and w.deleted_at is null and w.status = 'active' and (w.tenant_role = 'owner'
    or w.tenant_role = 'admin' and v.tenant_role <> 'owner'
    or v.tenant_role = 'member' and exists (select 1 from ${accountMembers} a
      where a.user_id = w.id and a.role = 'ADMIN' and (a.account_id = v.account_id or a.account_id in
        (select account_id from ${accountMembers} where user_id = v.user_id)))))`;

/** The user it was made for waits for it, or it was made for nobody in particular. */
const isAwaited = sql`(v.user_id is null or exists (select 1 from ${users} x
  where x.id = v.user_id and x.deleted_at is null and x.status = 'pending'))`;

/** One row while the link is good for the caller: who they will be. */
const offerOf = (scope: Invited, hash: string): SQL => sql`
  select coalesce(v.user_id, (select id from ${users}
      where email = v.email and deleted_at is null and status = 'pending'), ${newId("user", scope.request.now)}) as userId
  from ${invitations} v join ${tenantIdentity} t on t.id = 1
  where v.token_hash = ${hash} and v.state = 'pending' and v.expires_at > ${scope.request.now}
    and v.email = ${scope.caller.email} and t.tenant_id = ${scope.tenant.id} and t.status = 'active'
    and ${isVouchedFor} and ${isAwaited} and ${linkedAs(scope)} is null`;

function arrival({ caller, db, request }: Invited, hash: string): Write[] {
  const { now } = request;
  const { issuer, subject, email, name } = caller;
  const me = actor;
  const made = { createdAt: now, updatedAt: now, createdBy: me, updatedBy: me };
  const offered = sql`from ${invitations} v where v.token_hash = ${hash}`;
  return [
    write(
      insertSelect(
        db,
        users,
        {
          id: me,
          email: sql`v.email`,
          name: sql`coalesce(v.name, ${name}, v.email)`,
          status: "active",
          tenantRole: sql`v.tenant_role`,
          ...made,
        },
        sql`${offered} and not exists (select 1 from ${users} where id = ${me})`,
      ),
    ),
    write(
      statement(
        db,
        sql`update ${users} set status = 'active', version = version + 1, updated_at = ${now}, updated_by = ${me},
          tenant_role = (select tenant_role ${offered})
        where id = ${me} and status = 'pending'`,
      ),
    ),
    // Linked to a user who was deleted: the invitation is the way back, as somebody new.
    write(
      insertSelect(
        db,
        userIdentities,
        { id: newId("identity", now), issuer, subject, userId: me, email, createdAt: now },
        sql`where true on conflict (issuer, subject)
          do update set user_id = excluded.user_id, created_at = excluded.created_at`,
      ),
    ),
    write(
      insertSelect(
        db,
        accountMembers,
        { accountId: sql`a.id`, userId: me, role: sql`v.account_role`, createdAt: now },
        sql`from ${invitations} v join ${accounts} a on a.id = v.account_id and a.deleted_at is null
          where v.token_hash = ${hash} and v.account_role is not null on conflict do nothing`,
      ),
    ),
    must(
      statement(
        db,
        sql`update ${invitations} set state = 'accepted', accepted_at = ${now}, accepted_by = ${me}, user_id = ${me},
          updated_at = ${now}, updated_by = ${me} where token_hash = ${hash} and state = 'pending'`,
      ),
      noSuchInvitation,
    ),
  ];
}

const outcomeOf = ({ db }: Invited, hash: string) =>
  db
    .select({
      name: tenantIdentity.name,
      userId: sql<string>`${invitations.userId}`,
      tenantRole: invitations.tenantRole,
      accountId: invitations.accountId,
      role: invitations.accountRole,
    })
    .from(invitations)
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
    from ${invitations} v join ${tenantIdentity} t on t.id = 1 where v.token_hash = ${hash}`;
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
