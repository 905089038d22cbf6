import { and, eq, isNotNull, sql } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { isMisfit } from "../../db/faults.ts";
import { contextOf, write, writeAudited } from "../../db/write.ts";
import { tenantIdentity } from "../../tenant/identity/identity.table.ts";
import { stampOf } from "../../tenant/identity/status.service.ts";
import type { Found, Work } from "../operations/kind.ts";
import { LeaseHeld } from "../operations/lease.service.ts";
import { operations } from "../operations/operations.table.ts";
import type { WorkScope } from "../scope.ts";
import { rulesOf } from "../tenants/suspension.service.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { openFromLedger } from "./ledger.service.ts";

export type Status = (typeof tenantIdentity.$inferSelect)["status"];
/** What holding the tenant's database has found out. */
export type Held = { readonly held: string; readonly status?: Status };

const blockReason = "The tenant is being moved or restored";
/** After so many failures it counts as lost: what a restore is for. */
const mostFailures = 3;

/** Whoever was slow for longer than their turn may have come after what undoes it. */
async function assertMine(scope: WorkScope, { operation }: Work): Promise<void> {
  const { id, attempts, undoing } = operation;
  const [[now]] = await batch(scope.db, "read", [
    scope.db
      .select({ attempts: operations.attempts, undoing: operations.undoing })
      .from(operations)
      .where(eq(operations.id, id)),
  ] as const);
  if (now?.attempts !== attempts || now.undoing !== undoing) throw new LeaseHeld(id);
}

/** What the log says of work that nobody asks for over HTTP. */
export const contextIn = (scope: WorkScope, { operation }: Work) => ({
  ...contextOf(scope.request, scope.actor),
  reason: sql`${`${operation.kind} ${operation.id}`}`,
});

/**
 * Nothing is written to the tenant's database from here on: its stamp says so to every batch, the
 * platform to whatever reads no stamp. It can be read until another one has taken its place.
 */
export async function hold(scope: WorkScope, work: Work): Promise<Found> {
  const held = work.tenant.databaseName;
  const db = await openFromLedger(scope, work.tenant.id, held);
  const stamp = await stampOf(db);
  if (stamp?.heldAt === null) {
    const now = Date.now();
    const set = db.update(tenantIdentity).set({ heldAt: now, updatedAt: now });
    await writeAudited(db, contextIn(scope, work), [write(set)], []);
  }
  await scope.platform.configure(held, { blockWrites: true, blockReason });
  await assertMine(scope, work).catch(async (error) => {
    await release(scope, work, held);
    throw error;
  });
  return { output: { held, ...(stamp ? { status: stamp.status } : {}) } };
}

/**
 * The same where the database may be what was lost: one that is not there, or, as the platform at least
 * lets nobody write to it, one whose stamp cannot be written.
 */
export async function holdIfThere(scope: WorkScope, work: Work): Promise<Found> {
  try {
    return await hold(scope, work);
  } catch (error) {
    if (error instanceof LeaseHeld) throw error;
    const held = work.tenant.databaseName;
    if (!(await scope.platform.findDatabase(held))) return {};
    if (!isMisfit(error) && work.operation.failures < mostFailures) throw error;
    await scope.platform.configure(held, { blockWrites: true, blockReason });
    return { output: { held } };
  }
}

/** It can be written to again, as far as the tenant's state lets anybody. */
export async function release(scope: WorkScope, work: Work, name: string): Promise<void> {
  await scope.platform.configure(name, rulesOf.open);
  const db = await openFromLedger(scope, work.tenant.id, name);
  await unhold(scope, work, db);
  const [[now]] = await batch(scope.db, "read", [
    scope.db
      .select({ access: tenants.databaseAccess })
      .from(tenants)
      .where(eq(tenants.id, work.tenant.id)),
  ] as const);
  if (now && now.access !== "open") await scope.platform.configure(name, rulesOf[now.access]);
}

async function unhold(scope: WorkScope, work: Work, db: TenantDb): Promise<void> {
  const free = db
    .update(tenantIdentity)
    .set({ heldAt: null, updatedAt: Date.now() })
    .where(and(eq(tenantIdentity.tenantId, work.tenant.id), isNotNull(tenantIdentity.heldAt)));
  await writeAudited(db, contextIn(scope, work), [write(free)], []);
}

/**
 * Undoing: the tenant can be written to again, in whichever database it is by now. One that was replaced
 * stays held: Workers that have cached its address are told to look elsewhere.
 */
export async function releaseHeld(scope: WorkScope, work: Work): Promise<Found> {
  const { databaseName } = work.tenant;
  if (await scope.platform.findDatabase(databaseName)) await release(scope, work, databaseName);
  return {};
}
