import { sql } from "drizzle-orm";
import { systemContext, type Write, writeAudited } from "../db/write.ts";
import type { RegistryScope } from "./scope.ts";

/** The only writer of the registry: statements and audit, in the caller's name, in one transaction. */
export async function commit(
  { caller, db, request }: RegistryScope,
  writes: readonly Write[],
): Promise<void> {
  const actor = `${caller.issuer}|${caller.subject}`;
  const context = { ...systemContext(request, actor), actorType: sql`'user'` };
  const work = writeAudited(db, context, writes, []);
  request.keepAlive(work);
  await work;
}
