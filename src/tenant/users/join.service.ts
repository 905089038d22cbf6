import { sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { systemContext, write, writeAudited } from "../../db/write.ts";
import { accountMembers } from "../accounts/accounts.table.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import type { TenantScope } from "../scope.ts";
import { userIdentities, users } from "./users.table.ts";

/**
 * Lets in a person whose membership waits in the registry: creates their user and links the
 * identity, once, however many calls arrive together. False when the registry knows nothing of
 * them. A user with the same e-mail address is never taken over: identities are linked by issuer
 * and subject alone.
 */
export async function joinWaiting(scope: TenantScope): Promise<boolean> {
  const { caller, db, directory, request } = scope;
  const waiting = await directory.findMembership(caller);
  if (!waiting) return false;
  // Another call of theirs was faster.
  if (waiting.status === "active") return true;
  if (caller.email === null)
    throw new ApiError("verified_email_required", "Your token carries no verified e-mail address");

  const id = newId("user", request.now);
  const linked = sql`exists (select 1 from ${userIdentities} where issuer = ${caller.issuer} and subject = ${caller.subject})`;
  const arrival = [
    write(
      db.insert(users).select(sql`select ${id}, ${caller.email}, ${caller.name ?? caller.email},
        null, 'active', ${waiting.role}, 1, ${request.now}, ${request.now}, null, null, null, null
        where not ${linked}`),
    ),
    write(
      db
        .insert(userIdentities)
        .select(sql`select ${caller.issuer}, ${caller.subject}, id, ${request.now}
        from ${users} where id = ${id}`),
    ),
    write(
      db
        .insert(accountMembers)
        .select(sql`select default_account_id, u.id, ${waiting.accountRole}, ${request.now}
        from ${tenantIdentity} join ${users} u on u.id = ${id} where ${waiting.accountRole} is not null`),
    ),
  ];
  const work = writeAudited(db, systemContext(request), arrival, []);
  request.keepAlive(work);
  await work.catch((error) => {
    throw isUniqueViolation(error, "users.email")
      ? new ApiError("email_taken", "Another user of this tenant has your e-mail address")
      : error;
  });
  await directory.saveMemberships([{ ...caller, role: waiting.role }]);
  return true;
}
