import { and, eq, or, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { must, write } from "../../db/write.ts";
import { accountMembers } from "../accounts/accounts.table.ts";
import { apiKeys } from "../api-keys/api-keys.table.ts";
import { commit } from "../commit.ts";
import { invitations } from "../invitations/invitations.table.ts";
import { read } from "../read.ts";
import { asking, proved } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { userSessions } from "../sessions/sessions.table.ts";
import { actor, touched } from "../stamps.ts";
import { identitiesOf } from "../users/users.refusal.ts";
import { ownerRemains, ruled } from "../users/users.rules.ts";
import { noSuchUser } from "../users/users.service.ts";
import { userIdentities, userProfiles, users } from "../users/users.table.ts";

/** A top-level domain that is nobody's (RFC 2606). */
const erasedAddress = (id: string) => `${id}@erased.invalid`;

/**
 * Overwrites what tells who somebody is and removes what is theirs alone, in one batch. The row stays, so
 * that what they wrote has an author and the log's ids lead somewhere. Called again it changes nothing
 * but who was here last.
 */
export async function eraseUser(scope: TenantScope, id: string): Promise<void> {
  const { db, directory, request } = scope;
  const { now } = request;
  // Read first, as the batch leaves none; taken out of the index last: a repeated call has none to take.
  const [known] = await read(scope, [identitiesOf(scope, id)] as const);
  const address = sql`(select email from users where id = ${id})`;
  const overwritten = db
    .update(users)
    .set({
      email: erasedAddress(id),
      name: "Erased",
      profileImage: null,
      status: "suspended",
      signedOutAt: now,
      deletedAt: sql`coalesce(${users.deletedAt}, ${now})`,
      deletedBy: sql`coalesce(${users.deletedBy}, ${actor})`,
      ...touched(users.version, now),
    })
    .where(and(eq(users.id, id), ruled(proved), ownerRemains));
  const theirs = or(
    eq(invitations.userId, id),
    eq(invitations.acceptedBy, id),
    eq(invitations.email, address),
  );
  const writes = [
    write(db.delete(invitations).where(theirs)),
    must(overwritten, () => explainErasure(scope, id)),
    write(db.delete(userProfiles).where(eq(userProfiles.userId, id))),
    write(db.delete(userIdentities).where(eq(userIdentities.userId, id))),
    write(db.delete(userSessions).where(eq(userSessions.userId, id))),
    write(db.delete(apiKeys).where(eq(apiKeys.ownerId, id))),
    write(db.delete(accountMembers).where(eq(accountMembers.userId, id))),
  ];
  await commit(scope, writes, []);
  await directory.removeMemberships(known);
}

async function explainErasure(scope: TenantScope, id: string): Promise<Error> {
  const [[row]] = await read(scope, (asked) => [
    asked.db
      .select({ mine: ruled(asking(asked)), ownerRemains })
      .from(users)
      .where(eq(users.id, id)),
  ]);
  if (!row) return noSuchUser();
  if (!row.mine) return new ApiError("forbidden", "You may not manage this user");
  return new ApiError("last_owner", "The tenant keeps at least one active owner");
}
