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
  if ("done" in first) return first.done;
  // The batch cannot say why it was refused; this look can, and may find a way.
  const principal = await look(scope, "write");
  if (principal?.admitted && isBlocked(first.refused)) throw first.refused;
  const next = principal?.admitted ? scope : await reconsider(scope, principal, "write");
  const second = await attempt(next, writes, reads);
  if ("done" in second) return second.done;
  if (isBlocked(second.refused)) throw second.refused;
  // Who arrived a moment ago may well be in and still not allowed to do this.
  const now = await look(next, "write");
  if (now && !now.admitted) throw refusal(next, now, "write");
  throw unavailable("Your rights are changing at this moment", undefined, 1);
}

async function attempt<const R extends readonly Query[]>(
  scope: TenantScope,
  writes: readonly Write[],
  reads: R,
): Promise<{ done: Results<R> } | { refused: unknown }> {
  try {
    const proof = proofOf(scope, "write");
    const done = await writeAudited(scope.db, proof, writes, reads, scope.once);
    noteUse(scope);
    return { done };
  } catch (error) {
    if (!(error instanceof GuardRefused) && !isBlocked(error)) throw error;
    return { refused: error };
  }
}
