import { sql } from "drizzle-orm";
import type { Query, Results } from "../db/batch.ts";
import { systemContext, type Write, writeAudited } from "../db/write.ts";
import type { RegistryScope } from "./scope.ts";

/**
 * The only writer of the registry: statements and audit, in the caller's name, in one transaction,
 * with `reads` of the outcome.
 */
export async function commit<const R extends readonly Query[] = []>(
  { caller, db, request }: RegistryScope,
  writes: readonly Write[],
  reads = [] as unknown as R,
): Promise<Results<R>> {
  const actor = `${caller.issuer}|${caller.subject}`;
  const context = { ...systemContext(request, actor), actorType: sql`'user'` };
  const work = writeAudited(db, context, writes, reads);
  request.keepAlive(work);
  return await work;
}
