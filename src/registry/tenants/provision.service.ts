import { and, asc, eq, ne } from "drizzle-orm";
import { ApiError, unavailable } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { iso } from "../../db/columns.ts";
import type { TenantDb } from "../../db/connect.ts";
import { migrate } from "../../db/migrate.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { untilReady } from "../../db/ready.ts";
import { write } from "../../db/write.ts";
import { findFoundation, seedTenant, stampTenant } from "../../tenant/identity/found.service.ts";
import {
  claimOperation,
  findTurn,
  LeaseHeld,
  recordStep,
  type Turn,
} from "../operations/operations.service.ts";
import { operationSteps } from "../operations/operations.table.ts";
import type { ProvisioningScope } from "../scope.ts";
import { type Reservation, reserve } from "./reserve.service.ts";
import type { NewTenant, RegisteredTenant } from "./tenants.schema.ts";
import { tenants } from "./tenants.table.ts";
import { openToken, sealToken } from "./token-vault.ts";

/** How long a failed sign-up waits for its failure to be written down. */
const releaseMs = 1000;
const turnPollMs = 500;

type Tenant = typeof tenants.$inferSelect;
/** What a step found out about the tenant; stored together with the step's own record. */
type Step = (scope: ProvisioningScope, tenant: Tenant) => Promise<Partial<Tenant>>;

/** What the steps after the probe take, or the record that it failed. */
const laterStepsMs = 5000;

/**
 * In order, each safe to run twice: names derive from the tenant's id, so a retry finds what an
 * earlier try made. No step hands a secret to the next but through the sealed row.
 */
const steps: Readonly<Record<string, Step>> = {
  create_database: async ({ platform }, { databaseName: name, region }) => ({
    databaseHost: await platform.ensureDatabase({ name, region: region ?? undefined }),
  }),
  mint_token: async ({ platform, keyRing }, { id, databaseName }) => {
    const { token, expiresAt } = await platform.mintToken(databaseName);
    return { sealedToken: await sealToken(keyRing, id, token), tokenExpiresAt: expiresAt };
  },
  probe: async (scope, tenant) => {
    const db = await open(scope, tenant);
    await untilReady(db, db.budget.deadline - laterStepsMs);
    return {};
  },
  migrate: async (scope, tenant) => ({
    schemaVersion: await migrate(await open(scope, tenant), tenantMigrations),
  }),
  stamp: async (scope, tenant) => {
    await stampTenant({ db: await open(scope, tenant), request: scope.request, tenant });
    return {};
  },
  seed: async (scope, tenant) => {
    const { request, caller } = scope;
    await seedTenant({ db: await open(scope, tenant), request, tenant }, caller);
    return {};
  },
  activate: async () => ({ status: "active" }),
};

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
  const reservation = await reserve(reserving, input, Object.keys(steps));
  if (once?.outcome === "replayed") await assertNotDriven(scope, reservation);
  const outcome = await complete(scope, reservation);
  if (outcome === "busy") return { operationId: reservation.operationId };
  return await registered(scope, reservation);
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
      await drive(scope, reservation, turn);
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

async function drive(
  scope: ProvisioningScope,
  { tenantId, operationId }: Reservation,
  turn: Turn,
): Promise<void> {
  const { db, leaseMs } = scope;
  const [[tenant], open] = await batch(db, "read", [
    db.select().from(tenants).where(eq(tenants.id, tenantId)),
    db
      .select({ name: operationSteps.name })
      .from(operationSteps)
      .where(
        and(eq(operationSteps.operationId, operationId), ne(operationSteps.status, "succeeded")),
      )
      .orderBy(asc(operationSteps.position)),
  ] as const);
  if (!tenant) throw new Error(`Operation ${operationId} has no tenant`);
  const last = open.at(-1)?.name;
  for (const { name } of open) {
    try {
      const found = (await steps[name]?.(scope, tenant)) ?? {};
      const update = db.update(tenants).set({ ...found, updatedAt: Date.now() });
      await recordStep(scope, turn, name, name === last ? "finished" : { leaseMs }, [
        write(update.where(eq(tenants.id, tenantId))),
      ]);
      Object.assign(tenant, found);
    } catch (error) {
      if (error instanceof LeaseHeld) throw error;
      await release(scope, turn, name, error);
      throw unavailable(
        `Setting up the tenant stopped at "${name}". Send the same request again to go on`,
        error,
      );
    }
  }
}

/** A failure nobody can be told of in time is no worse: the lease ends by itself. */
async function release(scope: ProvisioningScope, turn: Turn, step: string, failure: unknown) {
  const told = recordStep(scope, turn, step, { error: describe(failure) }).catch((error) => {
    if (error instanceof LeaseHeld) throw error;
  });
  await Promise.race([told, new Promise((wake) => setTimeout(wake, releaseMs))]);
}

async function registered(
  scope: ProvisioningScope,
  { tenantId }: Reservation,
): Promise<RegisteredTenant> {
  const { db } = scope;
  const [[tenant]] = await batch(db, "read", [
    db.select().from(tenants).where(eq(tenants.id, tenantId)),
  ] as const);
  const foundation = tenant && (await findFoundation(await open(scope, tenant), scope.caller));
  if (!tenant || !foundation) throw unavailable("The new tenant cannot be read yet");
  const { id, slug, name, plan, createdAt } = tenant;
  return { id, slug, name, status: "active", plan, ...foundation, createdAt: iso(createdAt) };
}

async function open(scope: ProvisioningScope, tenant: Tenant): Promise<TenantDb> {
  if (!tenant.sealedToken) throw new Error("The tenant has no token yet");
  const token = await openToken(scope.keyRing, tenant.id, tenant.sealedToken);
  const where = scope.platform.locate(tenant.databaseName, tenant.databaseHost);
  return scope.openTenant({ ...where, token }, tenant.id);
}

/** What the operation's row says of a failure: our own words only, never a server's. */
const describe = (error: unknown) =>
  error instanceof ApiError ? `${error.code}: ${error.message}` : "internal_error";
