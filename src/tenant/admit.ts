import { batch } from "../db/batch.ts";
import { type Intent, principalQuery } from "./principal.ts";
import { misplaced, reconsider } from "./reconsider.ts";
import { refusal } from "./refusal.ts";
import type { TenantScope } from "./scope.ts";

/** The caller as they are now. Asks for nothing else. */
export async function look(scope: TenantScope, intent: Intent) {
  const [[principal]] = await batch(scope.db, "read", [principalQuery(scope, intent)] as const);
  return principal;
}

/** Whether the route is open to the caller, where nothing is read or written: else their refusal. */
export async function assertAdmitted(scope: TenantScope, intent: Intent): Promise<void> {
  const first = await look(scope, intent);
  if (first?.admitted) return;
  const next = await reconsider(scope, first, intent);
  const again = await look(next, intent);
  if (again?.admitted) return;
  throw again?.tenantId === scope.tenant.id ? refusal(next, again, intent) : misplaced();
}
