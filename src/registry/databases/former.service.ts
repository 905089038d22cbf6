import { and, asc, eq, lt, sql } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { commit } from "../commit.ts";
import type { JobScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { databases } from "./databases.table.ts";
import { isUnderWay, swapping } from "./exclusive.ts";
import { ledgerChange } from "./ledger.service.ts";

const most = 20;

/** Destroys databases that were replaced and kept for long enough. None that a tenant points to is one. */
export async function deleteFormerDatabases(scope: JobScope) {
  const done = { deleted: 0, failed: 0 };
  const { db } = scope;
  const [due] = await batch(db, "read", [
    db
      .select({ name: databases.name, tenantId: databases.tenantId })
      .from(databases)
      .where(
        and(
          eq(databases.state, "former"),
          lt(databases.keepUntil, Date.now()),
          sql`not exists (select 1 from ${tenants} t where t.database_name = ${databases.name})`,
          sql`not ${isUnderWay(sql`${databases.tenantId}`, swapping)}`,
        ),
      )
      .orderBy(asc(databases.keepUntil))
      .limit(most),
  ] as const);
  for (const { name, tenantId } of due)
    try {
      // Written down first: from here on nobody takes a restoration back into it.
      await commit(scope, [ledgerChange(scope, name, { state: "gone" })]);
      await scope.platform.deleteDatabase(name);
      done.deleted++;
    } catch (error) {
      // Its turn comes again.
      await commit(scope, [ledgerChange(scope, name, { state: "former" })]);
      done.failed++;
      scope.failed(tenantId, error);
    }
  return done;
}
