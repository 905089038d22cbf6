import { and, eq, isNotNull, isNull, or, type SQL, sql } from "drizzle-orm";
import { writeBearer } from "../../core/bearer-secret.ts";
import { ApiError } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { type Signer, sha256 } from "../../core/mac.ts";
import type { AccountRole, TenantRole } from "../../core/roles.ts";
import { Secret } from "../../core/secret.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { contextOf, provided, type Write, write, writeAudited } from "../../db/write.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import { proved } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { settings } from "../settings/settings.table.ts";
import { created } from "../stamps.ts";
import { users } from "../users/users.table.ts";
import { grantable, isOrphaned, isWelcome, unwelcome, within } from "./invitations.rules.ts";
import { invitations } from "./invitations.table.ts";

export type Issuer = Pick<TenantScope, "signers" | "db" | "request" | "post"> & {
  readonly tenant: { readonly id: string };
};

/**
 * What the link holds. It follows from the invitation and the moment it was issued, so a mail that was
 * never sent can be sent later, although the token is stored nowhere.
 */
export async function tokenOf({ tenant, signers }: Issuer, id: string, issuedAt: number) {
  const [signer] = await signers("bearer");
  return await tokenBy(signer, tenant.id, id, issuedAt);
}

async function tokenBy(signer: Signer, tenantId: string, id: string, issuedAt: number) {
  const secret = await signer.sign(`invitation ${tenantId} ${id} ${issuedAt}`);
  const token = await writeBearer("invitation", tenantId, secret, signer);
  return { token: new Secret(token), hash: await sha256(token) };
}

/** The token as it was issued, also after the keys were changed. */
async function tokenAgain({ tenant, signers }: Issuer, { id, issuedAt, tokenHash }: LetterRow) {
  for (const signer of await signers("bearer")) {
    const { token, hash } = await tokenBy(signer, tenant.id, id, issuedAt);
    if (hash === tokenHash) return token;
  }
  return undefined;
}

type Offer = {
  readonly email: string;
  readonly name: string | null;
  readonly tenantRole: TenantRole;
  /** With their role there, or neither. */
  readonly accountId: SQL;
  readonly accountRole: AccountRole | null;
  readonly userId: SQL;
};

/** The writes of a new invitation, for the batch that proves the right to invite. */
export async function newInvitation(scope: TenantScope, offer: Offer) {
  const { db, request } = scope;
  const { now } = request;
  const id = newId("invitation", now);
  const { hash } = await tokenOf(scope, id, now);
  const row = write(
    db.insert(invitations).values({
      id,
      ...offer,
      inviterId: proved.userId,
      tokenHash: hash,
      issuedAt: now,
      state: "pending",
      expiresAt: expiry(now),
      ...created(now),
    }),
  );
  return { id, writes: [provided(isWelcome(sql`${offer.email}`), unwelcome), row] };
}

/** Of an address only one invitation is pending. */
export const alreadyInvited = (error: unknown): never => {
  throw isUniqueViolation(error, "invitations.email")
    ? new ApiError(
        "invitation_pending",
        "This address has an invitation that is good: resend or revoke it",
        { cause: error },
      )
    : error;
};

/** Written out: the index is for these rows only. */
const isPending = sql`state = 'pending'`;
const defaultDays = 7;
export const expiry = (now: number): SQL =>
  sql`${now} + coalesce((select json_extract(value, '$.invitationDays') from ${settings}), ${defaultDays}) * 86400000`;

/** Writes down that what is pending for this address is so no more, by time or because its inviter is gone. */
export const closeOver = ({ db, request }: TenantScope, email: string): Write =>
  write(
    db
      .update(invitations)
      .set({
        state: sql`iif(expires_at <= ${request.now}, 'expired', 'revoked')`,
        updatedAt: request.now,
      })
      .where(
        and(
          eq(invitations.email, email),
          isPending,
          sql`(expires_at <= ${request.now} or ${isOrphaned})`,
        ),
      ),
  );

/** What the caller may withdraw of what is pending for this address gives way to something new. */
export const closePending = ({ db, request }: TenantScope, email: string): Write =>
  write(
    db
      .update(invitations)
      .set({ state: "revoked", updatedAt: request.now })
      .where(
        and(
          eq(invitations.email, email),
          isPending,
          within(proved),
          grantable(sql`${invitations.tenantRole}`, proved),
        ),
      ),
  );

/** Whoever is deleted is not awaited any more, and answers for nobody. */
export const closePendingOf = ({ db, request }: TenantScope, userId: string | SQL): Write =>
  write(
    db
      .update(invitations)
      .set({ state: "revoked", updatedAt: request.now })
      .where(and(or(eq(invitations.userId, userId), eq(invitations.inviterId, userId)), isPending)),
  );

/** All a letter needs beside the token; unsent and pending ones only. */
export const lettersQuery = ({ db }: Pick<Issuer, "db">, which: SQL | undefined) =>
  db
    .select({
      id: invitations.id,
      issuedAt: invitations.issuedAt,
      tokenHash: invitations.tokenHash,
      to: invitations.email,
      name: invitations.name,
      expiresAt: invitations.expiresAt,
      inviter: users.name,
      tenant: tenantIdentity.name,
    })
    .from(invitations)
    .leftJoin(
      users,
      and(eq(users.id, invitations.inviterId), isNull(users.deletedAt), eq(users.status, "active")),
    )
    .innerJoin(tenantIdentity, eq(tenantIdentity.id, 1))
    .where(
      and(
        isPending,
        isNull(invitations.sentAt),
        or(isNull(invitations.inviterId), isNotNull(users.id)),
        which,
      ),
    );

export const letterQuery = (issuer: Pick<Issuer, "db">, id: string) =>
  lettersQuery(issuer, eq(invitations.id, id));

type LetterRow = Awaited<ReturnType<typeof lettersQuery>>[number];

/**
 * Hands the mail over and writes down that it went, beside the request: an invitation whose mail
 * failed shows as unsent, is tried again later, and can be resent. Returns whether it went.
 */
export async function deliver(issuer: Issuer, row: LetterRow | undefined): Promise<boolean> {
  const token = row && (await tokenAgain(issuer, row));
  if (!token) return false;
  const { db, request } = issuer;
  const { id, issuedAt, tokenHash: _, ...letter } = row;
  if (!(await issuer.post({ ...letter, token }))) return false;
  const sent = db
    .update(invitations)
    .set({ sentAt: Date.now() })
    .where(and(eq(invitations.id, id), eq(invitations.issuedAt, issuedAt)));
  await writeAudited(db, contextOf(request), [write(sent)], []);
  return true;
}
