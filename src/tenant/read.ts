import { unavailable } from "../core/error.ts";
import { batch, type Query, type Results } from "../db/batch.ts";
import { type Principal, principalQuery, refusal, stranger } from "./principal.ts";
import type { TenantScope } from "./scope.ts";
import { joinWaiting } from "./users/join.service.ts";

/**
 * The only way a tenant feature reads: the caller is proved and the queries run in one round trip.
 * Rows come back only if the caller satisfies what the route declared.
 */
export async function read<const Q extends readonly Query[]>(
  scope: TenantScope,
  queries: Q,
): Promise<Results<Q>> {
  return (await readAs(scope, queries)).results;
}

/** The caller's rights, for rules that need them as data. A round trip unless read along with rows. */
export async function readAs<const Q extends readonly Query[]>(
  scope: TenantScope,
  queries: Q,
): Promise<{ principal: Principal; results: Results<Q> }> {
  const first = await attempt(scope, queries);
  if (first.principal?.admitted) return { ...first, principal: first.principal };
  const again = await attempt(await reconsider(scope, first.principal), queries);
  if (again.principal?.admitted) return { ...again, principal: again.principal };
  throw again.principal?.tenantId === scope.tenant.id
    ? refusal(scope, again.principal)
    : misplaced();
}

async function attempt<const Q extends readonly Query[]>(scope: TenantScope, queries: Q) {
  const [[principal], ...results] = await batch(scope.db, "read", [
    principalQuery(scope),
    ...queries,
  ] as const);
  return { principal, results: results as unknown as Results<Q> };
}

/**
 * The slow path of a caller who was not admitted: follow a database that moved, let in who is
 * awaited. Returns the scope to try once more with, or throws the refusal.
 */
export async function reconsider(
  scope: TenantScope,
  principal: Principal | undefined,
): Promise<TenantScope> {
  if (principal?.tenantId !== scope.tenant.id) {
    const db = await scope.relocate();
    if (db) return { ...scope, db };
    throw misplaced();
  }
  if (principal.linkedTo !== null) throw refusal(scope, principal);
  const open = principal.tenantStatus === "active";
  if (!open || !(await joinWaiting(scope))) throw stranger();
  return scope;
}

const misplaced = () => unavailable("The tenant's database is another's");
