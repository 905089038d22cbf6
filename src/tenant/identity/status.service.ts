import { and, eq, inArray, lte, sql } from "drizzle-orm";
import type { RequestContext } from "../../core/request.ts";
import { batch } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { type Actor, contextOf, must, writeAudited } from "../../db/write.ts";
import { touched } from "../stamps.ts";
import { type StampStatus, tenantIdentity } from "./identity.table.ts";

type Change = {
  readonly tenantId: string;
  readonly from: readonly StampStatus[];
  readonly to: StampStatus;
  readonly reason: string | null;
  /** Only if it was to be deleted by then. */
  readonly dueAt?: number;
};

/**
 * Writes into the tenant's own stamp what it is, for whoever of the platform has decided so: it holds
 * on the next request everywhere. Throws what `orElse` gives where the stamp is another's, or not one
 * of `from`.
 */
export async function changeStatus(
  { db, request, actor }: { db: TenantDb; request: RequestContext; actor: Actor },
  { tenantId, from, to, reason, dueAt }: Change,
  orElse: () => Error,
): Promise<void> {
  const update = db
    .update(tenantIdentity)
    .set({ status: to, statusReason: reason, ...touched(tenantIdentity.version, request.now) })
    .where(
      and(
        eq(tenantIdentity.tenantId, tenantId),
        inArray(tenantIdentity.status, [...from]),
        dueAt === undefined
          ? undefined
          : lte(sql`coalesce(${tenantIdentity.deleteAfter}, 0)`, dueAt),
      ),
    );
  const work = writeAudited(db, contextOf(request, actor), [must(update, orElse)], []);
  request.keepAlive(work);
  await work;
}

/** What a database says of itself; undefined where it was never stamped. */
export async function stampOf(db: TenantDb) {
  const { tenantId, name, status, deleteAfter, heldAt } = tenantIdentity;
  const [[stamp]] = await batch(db, "read", [
    db.select({ tenantId, name, status, deleteAfter, heldAt }).from(tenantIdentity),
  ] as const);
  return stamp;
}
