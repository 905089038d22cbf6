import { eq } from "drizzle-orm";
import { ApiError, unavailable } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { iso } from "../../db/columns.ts";
import type { Once } from "../../db/once.ts";
import { findFoundation } from "../../tenant/identity/found.service.ts";
import { driveOperation, StepFailed } from "../operations/drive.service.ts";
import { claimOperation, findTurn, LeaseHeld, type Turn } from "../operations/lease.service.ts";
import type { ProvisioningScope } from "../scope.ts";
import { openOf } from "./locate.service.ts";
import { type Reservation, reserve } from "./reserve.service.ts";
import type { NewTenant, RegisteredTenant } from "./tenants.schema.ts";
import { tenants } from "./tenants.table.ts";

const turnPollMs = 500;

/**
 * Signs a customer up: reserves the slug, then drives the operation to its end. Called again with the
 * same slug by the same owner it takes up where an earlier run stopped. Returns the tenant once it is
 * ready, or the id of the operation while somebody else is still driving it.
 */
export async function registerTenant(
  { once, ...scope }: ProvisioningScope,
  input: NewTenant,
): Promise<RegisteredTenant | { operationId: string }> {
  if (scope.caller.email === null)
    throw new ApiError("verified_email_required", "Your token carries no verified e-mail address");
  // The reservation is what happens once; the steps may happen again.
  const reserving = once ? { ...scope, once } : scope;
  const reservation = await reserve(reserving, input);
  const outcome = await carryThrough(scope, reservation, once);
  if (outcome === "busy") return { operationId: reservation.operationId };
  return await registered(scope, reservation);
}

/** Drives the operation to its end, or finds it there, unless somebody else takes longer with it. */
export async function carryThrough(
  scope: ProvisioningScope,
  reservation: Reservation,
  once: Once | undefined,
): Promise<"done" | "busy"> {
  if (once?.outcome === "replayed") await assertNotDriven(scope, reservation);
  return await complete(scope, reservation);
}

/** A repeated request does not wait for the one it repeats. */
async function assertNotDriven(scope: ProvisioningScope, { operationId }: Reservation) {
  const { status, leaseUntil } = await findTurn(scope, operationId);
  if (status === "succeeded" || leaseUntil < Date.now()) return;
  const headers = { "retry-after": String(Math.ceil((leaseUntil - Date.now()) / 1000)) };
  const detail = `The first request is setting the tenant up: see operation ${operationId}`;
  throw new ApiError("idempotency_in_flight", detail, { headers });
}

/** Drives the operation, or lets whoever drives it do so, until it is done or takes too long. */
async function complete(
  scope: ProvisioningScope,
  reservation: Reservation,
): Promise<"done" | "busy"> {
  for (;;) {
    const turn = await waitForTurn(scope, reservation);
    if (turn === "done" || turn === "busy") return turn;
    try {
      await drive(scope, turn);
      return "done";
    } catch (error) {
      if (!(error instanceof LeaseHeld)) throw error;
    }
  }
}

/** Takes the operation, or waits for its driver to finish or for a dead driver's lease to end. */
async function waitForTurn(
  scope: ProvisioningScope,
  { operationId }: Reservation,
): Promise<Turn | "done" | "busy"> {
  const giveUp = Date.now() + scope.leaseMs + 1000;
  for (;;) {
    // However long a look takes, one begins after the lease has ended.
    const late = Date.now() > giveUp;
    // Looking costs the registry far less than trying to write.
    const { status, leaseUntil } = await findTurn(scope, operationId);
    if (status === "succeeded") return "done";
    if (leaseUntil < Date.now()) {
      const turn = await claimOperation(scope, operationId, scope.leaseMs).catch(unlessHeld);
      if (turn) return turn;
    }
    if (late) return "busy";
    await new Promise((wake) => setTimeout(wake, turnPollMs));
  }
}

function unlessHeld(error: unknown): undefined {
  if (!(error instanceof LeaseHeld)) throw error;
}

async function drive(scope: ProvisioningScope, turn: Turn): Promise<void> {
  try {
    await driveOperation(scope, turn);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    throw unavailable(
      `Setting up the tenant stopped at "${error.step}". Send the same request again to go on`,
      error.cause,
    );
  }
}

async function registered(
  scope: ProvisioningScope,
  { tenantId }: Reservation,
): Promise<RegisteredTenant> {
  const { db } = scope;
  const [[tenant]] = await batch(db, "read", [
    db.select().from(tenants).where(eq(tenants.id, tenantId)),
  ] as const);
  const foundation = tenant && (await findFoundation(await openOf(scope, tenant), scope.caller));
  if (!tenant || !foundation) throw unavailable("The new tenant cannot be read yet");
  const { id, slug, name, plan, createdAt } = tenant;
  return { id, slug, name, status: "active", plan, ...foundation, createdAt: iso(createdAt) };
}
