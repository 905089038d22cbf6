import type { Query, Results } from "../db/batch.ts";
import { contextOf, type Write, writeAudited } from "../db/write.ts";
import type { RegistryScope } from "./scope.ts";

/**
 * The only writer of the registry: statements and audit, in the caller's name, in one transaction,
 * with `reads` of the outcome.
 */
export async function commit<const R extends readonly Query[] = []>(
  { actor, db, request, once }: RegistryScope,
  writes: readonly Write[],
  reads = [] as unknown as R,
): Promise<Results<R>> {
  const work = writeAudited(db, contextOf(request, actor), writes, reads, once);
  request.keepAlive(work);
  return await work;
}
