import { batch, type Query, type Results } from "../db/batch.ts";
import { GuardRefused, write, writeAudited } from "../db/write.ts";
import { entryOf } from "./denial.ts";
import { noteUse } from "./presence.ts";
import { type Principal, principalQuery } from "./principal.ts";
import { proofOf } from "./proof.ts";
import { misplaced, reconsider, whereBlocked } from "./reconsider.ts";
import { refusal } from "./refusal.ts";
import type { TenantScope } from "./scope.ts";

/**
 * What is read. Queries about the caller are made of the scope they get: who knocks as a person may
 * turn out to be a platform admin under a grant.
 */
type Asked<Q> = Q | ((scope: TenantScope) => Q);

/**
 * The only way a tenant feature reads: the caller is proved and the queries run in one round trip.
 * Rows come back only if the caller satisfies what the route declared.
 */
export async function read<const Q extends readonly Query[]>(
  scope: TenantScope,
  queries: Asked<Q>,
): Promise<Results<Q>> {
  return (await readAs(scope, queries)).results;
}

/** The caller's rights, for rules that need them as data. A round trip unless read along with rows. */
export async function readAs<const Q extends readonly Query[]>(
  scope: TenantScope,
  queries: Asked<Q>,
): Promise<{ principal: Principal; results: Results<Q> }> {
  const first = await attempt(scope, queries).catch((error) => whereBlocked(scope, error));
  if (first.principal?.admitted && !(await isElsewhere(scope, first.principal)))
    return admitted(scope, first.principal, first.results);
  const next = await reconsider(scope, first.principal, "read");
  const again = await attempt(next, queries);
  if (again.principal?.admitted) return admitted(next, again.principal, again.results);
  throw again.principal?.tenantId === scope.tenant.id
    ? refusal(next, again.principal, "read")
    : misplaced();
}

/** Of a database that is held the registry knows whether another one has taken its place. */
const isElsewhere = async (scope: TenantScope, { held }: Principal): Promise<boolean> =>
  held === 1 && (await scope.relocate().catch(() => undefined)) !== undefined;

function admitted<R>(scope: TenantScope, principal: Principal, results: R) {
  // What is being deleted takes no writes.
  if (principal.tenantStatus === "active") noteUse(scope);
  return { principal, results };
}

async function attempt<const Q extends readonly Query[]>(scope: TenantScope, asked: Asked<Q>) {
  const queries = typeof asked === "function" ? asked(scope) : asked;
  const all = [principalQuery(scope, "read"), ...queries] as const;
  const work = scope.caller.kind === "operator" ? witnessed(scope, all) : undefined;
  const [[principal], ...results] = (await work) ?? (await batch(scope.db, "read", all));
  return { principal, results: results as unknown as Results<Q> };
}

/** What a platform admin looks at stands in the tenant's own log, or they do not see it. */
async function witnessed<const Q extends readonly Query[]>(scope: TenantScope, queries: Q) {
  const entry = write(entryOf(scope, "READ"));
  return await writeAudited(scope.db, proofOf(scope, "read"), [entry], queries).catch((error) => {
    if (!(error instanceof GuardRefused)) throw error;
    return undefined;
  });
}
