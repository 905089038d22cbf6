import { unavailable } from "../core/error.ts";
import type { Query, Results } from "../db/batch.ts";
import { isBlocked } from "../db/faults.ts";
import { GuardRefused, type Write, writeAudited } from "../db/write.ts";
import { look } from "./admit.ts";
import { noteUse } from "./presence.ts";
import { proofOf } from "./proof.ts";
import { reconsider } from "./reconsider.ts";
import { refusal } from "./refusal.ts";
import type { TenantScope } from "./scope.ts";

/**
 * The only way a tenant feature writes: guard, writes and audit in one transaction and one round
 * trip, with `reads` of the outcome. A caller whose rights end while the batch waits for its turn is
 * refused, not half served.
 */
export async function commit<const R extends readonly Query[]>(
  scope: TenantScope,
  writes: readonly Write[],
  reads: R,
): Promise<Results<R>> {
  const work = guarded(scope, writes, reads);
  scope.request.keepAlive(work);
  return await work;
}

async function guarded<const R extends readonly Query[]>(
  scope: TenantScope,
  writes: readonly Write[],
  reads: R,
): Promise<Results<R>> {
  const first = await attempt(scope, writes, reads);
  if ("results" in first) return first.results;
  // The batch cannot say why it was refused; this look can, and may find a way.
  const principal = await look(scope, "write");
  if (principal?.admitted && first.blocked) throw first.blocked;
  const next = principal?.admitted ? scope : await reconsider(scope, principal, "write");
  const second = await attempt(next, writes, reads);
  if ("results" in second) return second.results;
  if (second.blocked) throw second.blocked;
  // Who arrived a moment ago may well be in and still not allowed to do this.
  const now = await look(next, "write");
  if (now && !now.admitted) throw refusal(next, now, "write");
  throw unavailable("Your rights are changing at this moment", undefined, 1);
}

/** `blocked` where the platform lets nobody write, and the guard never came to speak. */
async function attempt<const R extends readonly Query[]>(
  scope: TenantScope,
  writes: readonly Write[],
  reads: R,
): Promise<{ results: Results<R> } | { blocked?: Error }> {
  try {
    const proof = proofOf(scope, "write");
    const results = await writeAudited(scope.db, proof, writes, reads, scope.once);
    noteUse(scope);
    return { results };
  } catch (error) {
    if (error instanceof GuardRefused) return {};
    if (error instanceof Error && isBlocked(error)) return { blocked: error };
    throw error;
  }
}
