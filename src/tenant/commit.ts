import { sql } from "drizzle-orm";
import { unavailable } from "../core/error.ts";
import { batch, type Query, type Results } from "../db/batch.ts";
import { GuardRefused, trace, type Write, writeAudited } from "../db/write.ts";
import { principalOf, principalQuery } from "./principal.ts";
import { read, reconsider } from "./read.ts";
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
  try {
    return await attempt(scope, writes, reads);
  } catch (error) {
    if (!(error instanceof GuardRefused)) throw error;
  }
  // The batch cannot say why it was refused; this look can, and may find a way.
  const [[principal]] = await batch(scope.db, "read", [principalQuery(scope)] as const);
  const next = principal?.admitted ? scope : await reconsider(scope, principal);
  try {
    return await attempt(next, writes, reads);
  } catch (error) {
    if (!(error instanceof GuardRefused)) throw error;
    // Who arrived a moment ago may well be in and still not allowed to do this.
    await read(next, []);
    throw unavailable("Your rights are changing at this moment", error, 1);
  }
}

const attempt = <const R extends readonly Query[]>(
  scope: TenantScope,
  writes: readonly Write[],
  reads: R,
) =>
  writeAudited(
    scope.db,
    {
      actorType: sql`'user'`,
      actorId: sql`p.userId`,
      tenantRole: sql`p.tenantRole`,
      role: sql`p.role`,
      accountId: scope.accountId,
      ...trace(scope.request),
      from: sql`select * from (${principalOf(scope)}) where admitted`,
    },
    writes,
    reads,
  );
