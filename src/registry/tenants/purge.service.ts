import { and, eq, isNull, lt, sql } from "drizzle-orm";
import { newId } from "../../core/id.ts";
import { batch } from "../../db/batch.ts";
import { provided } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { isUnderWay, swapping } from "../databases/exclusive.ts";
import { operationWrites } from "../operations/begin.ts";
import type { JobScope } from "../scope.ts";
import { tenants } from "./tenants.table.ts";

const mostAtOnce = 50;

class UnderWay extends Error {}
/** While one of these is at work, none is begun. */
const atWork = ["purge", "backup", "import", "rotate", ...swapping] as const;

/** Begins to destroy the tenants whose days are over: one operation each, which the next job takes up. */
export async function beginPurges(scope: JobScope) {
  const { db, kinds } = scope;
  const now = Date.now();
  const [due] = await batch(db, "read", [
    db
      .select({ tenantId: tenants.id })
      .from(tenants)
      .where(
        and(
          eq(tenants.status, "deleting"),
          lt(tenants.deleteAfter, now),
          isNull(tenants.legalHold),
          sql`not ${isUnderWay(sql`${tenants.id}`, atWork)}`,
        ),
      )
      .limit(mostAtOnce),
  ] as const);
  let begun = 0;
  for (const { tenantId } of due) {
    const asked = { tenantId, issuer: "clock", subject: "purge", input: {}, now };
    const first = provided(sql`not ${isUnderWay(tenantId, atWork)}`, () => new UnderWay());
    const operation = operationWrites(
      db,
      { id: newId("operation", now), kind: "purge", ...asked },
      kinds.purge,
    );
    try {
      await commit(scope, [first, ...operation]);
      begun++;
    } catch (error) {
      if (!(error instanceof UnderWay)) throw error;
    }
  }
  return { begun };
}
