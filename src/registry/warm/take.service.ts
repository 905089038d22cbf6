import { and, asc, eq, sql } from "drizzle-orm";
import { newId } from "../../core/id.ts";
import { batch } from "../../db/batch.ts";
import { must, type Write } from "../../db/write.ts";
import type { ProvisioningScope } from "../scope.ts";
import { warmDatabases } from "./warm.table.ts";

/** Somebody else took it a moment ago. */
export class WarmTaken extends Error {
  override readonly name = "WarmTaken";
}

/**
 * The id of a new tenant, and what takes its database off the shelf in the batch that writes the tenant
 * down: two who ask at once never get the same. Any of the oldest, so that they rarely meet.
 */
export async function newTenantId(
  { db, usesWarm }: ProvisioningScope,
  cold = false,
): Promise<{ tenantId: string; takes: Write[] }> {
  const { tenantId, state, createdAt } = warmDatabases;
  if (!usesWarm || cold) return { tenantId: newId("tenant"), takes: [] };
  const oldest = db
    .select({ tenantId })
    .from(warmDatabases)
    .where(eq(state, "ready"))
    .orderBy(asc(createdAt))
    .limit(8)
    .as("oldest");
  const [[ready]] = await batch(db, "read", [
    db.select({ tenantId: oldest.tenantId }).from(oldest).orderBy(sql`random()`).limit(1),
  ] as const);
  if (!ready) return { tenantId: newId("tenant"), takes: [] };
  const taken = db
    .delete(warmDatabases)
    .where(and(eq(tenantId, ready.tenantId), eq(state, "ready")));
  return { tenantId: ready.tenantId, takes: [must(taken, () => new WarmTaken(ready.tenantId))] };
}
