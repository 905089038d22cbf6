import { unavailable } from "../core/error.ts";
import { isBlocked } from "../db/faults.ts";
import type { Intent, Principal } from "./principal.ts";
import { refusal, stranger, suspended } from "./refusal.ts";
import { isBy, type TenantScope } from "./scope.ts";
import { joinWaiting } from "./users/join.service.ts";

/**
 * The slow path of a caller who was not admitted: follow a database that moved, let in who is
 * awaited, see whether a platform admin knocks. Returns the scope to try once more with, or throws the
 * refusal.
 */
export async function reconsider(
  scope: TenantScope,
  principal: Principal | undefined,
  intent: Intent,
): Promise<TenantScope> {
  if (principal?.tenantId !== scope.tenant.id || principal.held) {
    const db = await scope.relocate();
    if (db) return { ...scope, db };
  }
  if (principal?.tenantId !== scope.tenant.id) throw misplaced();
  if (principal.held && intent === "write")
    throw principal.linkedTo === null ? stranger() : beingReplaced();
  return await letIn(scope, principal, intent);
}

async function letIn(
  scope: TenantScope,
  principal: Principal,
  intent: Intent,
): Promise<TenantScope> {
  // Who was a user here and is gone may be let in as what else they are.
  const isGone = principal.linkedTo === null || principal.userId === null;
  if (!isBy(scope, "user") || !isGone) throw refusal(scope, principal, intent);
  if (scope.caller.platformClaim && (await scope.directory.isOperator(scope.caller)))
    return { ...scope, caller: asOperator(scope.caller) };
  if (principal.linkedTo !== null) throw refusal(scope, principal, intent);
  const open = principal.tenantStatus === "active" && !principal.held;
  if (!open || !(await joinWaiting(scope))) throw stranger();
  return scope;
}

/** The same person, as the platform admin they claim to be. */
export const asOperator = <P extends { issuer: string; subject: string; email: string | null }>({
  issuer,
  subject,
  email,
}: P) => ({ kind: "operator" as const, issuer, subject, email });

const beingReplaced = () =>
  unavailable("The tenant is being moved or restored: nothing can be written for a moment");

export const misplaced = () => unavailable("The tenant's database is another's");

/** A database that takes no question: the registry's index says whether the caller may know why. */
export async function whereBlocked(scope: TenantScope, error: unknown): Promise<never> {
  if (!isBlocked(error) || !isBy(scope, "user")) throw error;
  throw (await scope.directory.findMembership(scope.caller)) ? suspended() : stranger();
}
