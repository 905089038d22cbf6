import { and, eq, isNull, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { batch } from "../../db/batch.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { type Actor, contextOf, provided, write, writeAudited } from "../../db/write.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import { users } from "../users/users.table.ts";
import { invitations } from "./invitations.table.ts";
import { deliver, expiry, type Issuer, lettersQuery, tokenOf } from "./issue.ts";

export type FirstOwner = { readonly email: string; readonly name: string | null };

const isUnowned = sql`not exists (select 1 from ${users}
  where tenant_role = 'owner' and deleted_at is null and status <> 'pending')`;
const isOurs = and(isNull(invitations.inviterId), eq(invitations.state, "pending"));

/**
 * Invites whoever is to own a tenant nobody owns yet. What was offered before gives way, unless it is
 * the same and good. Once the tenant has an owner, nobody but its own people let anybody in.
 */
export async function inviteFirstOwner(
  issuer: Issuer,
  by: Actor,
  { email, name }: FirstOwner,
  { afresh }: { readonly afresh: boolean },
): Promise<void> {
  const { db, request } = issuer;
  const { now } = request;
  const id = newId("invitation", now);
  const { hash } = await tokenOf(issuer, id, now);
  const stays = afresh ? sql`false` : sql`email = ${email} and expires_at > ${now}`;
  const revoked = { state: "revoked", updatedAt: now } as const;
  const row = {
    id,
    email: sql`${email}`,
    name: sql`${name}`,
    tenantRole: "owner",
    accountId: sql`default_account_id`,
    accountRole: "ADMIN",
    tokenHash: hash,
    issuedAt: now,
    state: "pending",
    expiresAt: expiry(now),
    createdAt: now,
    updatedAt: now,
  } as const;
  const writes = [
    provided(isUnowned, hasOwner),
    write(
      db
        .update(invitations)
        .set(revoked)
        .where(and(isOurs, sql`not (${stays})`)),
    ),
    write(
      insertSelect(
        db,
        invitations,
        row,
        sql`from ${tenantIdentity} where not exists (select 1 from ${invitations} where ${isOurs})`,
      ),
    ),
  ];
  await writeAudited(db, contextOf(request, by), writes, []);
}

/** Hands the mail over, if it did not go yet. What fails here is tried again by the clock. */
export async function deliverToFirstOwner(issuer: Issuer): Promise<boolean> {
  const [letters] = await batch(issuer.db, "read", [lettersQuery(issuer, isOurs)] as const);
  const [letter] = letters;
  return await deliver(issuer, letter);
}

const hasOwner = () =>
  new ApiError("conflict", "The tenant has an owner, who alone invites others");
