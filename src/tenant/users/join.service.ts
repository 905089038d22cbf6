import { ApiError } from "../../core/error.ts";
import type { Identity } from "../../core/request.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { contextOf, writeAudited } from "../../db/write.ts";
import type { ScopeOf } from "../scope.ts";
import { arrivalWrites } from "./arrival.ts";

/**
 * Lets in a person whose membership waits in the registry: creates their user and links the
 * identity, once, however many calls arrive together. False when the registry knows nothing of
 * them. A user with the same e-mail address is never taken over: identities are linked by issuer
 * and subject alone.
 */
export async function joinWaiting(scope: ScopeOf<Identity>): Promise<boolean> {
  const { caller, db, directory, request } = scope;
  const waiting = await directory.findMembership(caller);
  if (!waiting) return false;
  // Another call of theirs was faster.
  if (waiting.status === "active") return true;
  if (caller.email === null)
    throw new ApiError("verified_email_required", "Your token carries no verified e-mail address");

  const arrival = arrivalWrites(db, caller, waiting, request.now);
  const work = writeAudited(db, contextOf(request), arrival, []);
  request.keepAlive(work);
  await work.catch((error) => {
    throw isUniqueViolation(error, "users.email")
      ? new ApiError("email_taken", "Another user of this tenant has your e-mail address")
      : error;
  });
  await directory.saveMemberships([{ ...caller, role: waiting.role }]);
  return true;
}
