import { batch } from "../db/batch.ts";
import { type Intent, type Principal, principalQuery } from "./principal.ts";
import { misplaced, reconsider, whereBlocked } from "./reconsider.ts";
import { refusal } from "./refusal.ts";
import type { TenantScope } from "./scope.ts";

/** The caller as they are now. Asks for nothing else. */
export async function look(scope: TenantScope, intent: Intent) {
  const look = batch(scope.db, "read", [principalQuery(scope, intent)] as const);
  const [[principal]] = await look.catch((error) => whereBlocked(scope, error));
  return principal;
}

/** Whether the route is open to the caller, where nothing is read or written: else their refusal. */
export async function assertAdmitted(scope: TenantScope, intent: Intent): Promise<Principal> {
  const first = await look(scope, intent);
  if (first?.admitted) return first;
  const next = await reconsider(scope, first, intent);
  const again = await look(next, intent);
  if (again?.admitted) return again;
  throw again?.tenantId === scope.tenant.id ? refusal(next, again, intent) : misplaced();
}
