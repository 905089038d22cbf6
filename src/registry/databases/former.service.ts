import { and, asc, eq, inArray, lt, type SQL, sql } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { must, write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import type { JobScope, RegistryScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { databases } from "./databases.table.ts";
import { isUnderWay, swapping } from "./exclusive.ts";

const most = 20;

class InUse extends Error {}

/** Nobody is served from it, and nothing goes on that could change that. */
const isUnused: SQL = sql`not exists (select 1 from ${tenants} t where t.database_name = ${databases.name}
  and t.status not in ('abandoned', 'deleted')) and not ${isUnderWay(sql`${databases.tenantId}`, swapping)}`;

/** Destroys databases whose time is over: those that were replaced, and what was doomed before. */
export async function deleteFormerDatabases(scope: JobScope) {
  const done = { deleted: 0, failed: 0 };
  const { db } = scope;
  const [due] = await batch(db, "read", [
    db
      .select({ name: databases.name, tenantId: databases.tenantId })
      .from(databases)
      .where(
        and(
          inArray(databases.state, ["former", "doomed"]),
          lt(databases.keepUntil, Date.now()),
          isUnused,
        ),
      )
      .orderBy(asc(databases.keepUntil))
      .limit(most),
  ] as const);
  for (const { name, tenantId } of due)
    try {
      await destroy(scope, name);
      done.deleted++;
    } catch (error) {
      if (error instanceof InUse) continue;
      done.failed++;
      scope.failed(tenantId, error);
    }
  return done;
}

/**
 * Condemned first, in the batch that sees that nobody needs it: from there on no restoration is taken
 * back into it. Whoever is cut off after that leaves it to the next.
 */
async function destroy(scope: JobScope, name: string): Promise<void> {
  await doom(scope, name, ["former", "doomed"], () => new InUse());
  await scope.platform.deleteDatabase(name);
  await commit(scope, [write(markGone(scope, name))]);
}

/** Throws what `orElse` gives where the database is none of `states`, or in use. */
export async function doom(
  scope: RegistryScope,
  name: string,
  states: readonly (typeof databases.$inferSelect)["state"][],
  orElse: () => Error,
): Promise<void> {
  const now = Date.now();
  const condemned = scope.db
    .update(databases)
    .set({ state: "doomed", keepUntil: now, updatedAt: now })
    .where(and(eq(databases.name, name), inArray(databases.state, [...states]), isUnused));
  await commit(scope, [must(condemned, orElse)]);
}

export const markGone = ({ db }: RegistryScope, name: string) =>
  db
    .update(databases)
    .set({ state: "gone", updatedAt: Date.now() })
    .where(and(eq(databases.name, name), eq(databases.state, "doomed")));
