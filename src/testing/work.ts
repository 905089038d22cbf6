import { systemRequest } from "../core/request.ts";
import type { Settings } from "../env.ts";
import { createPorts } from "../ports.ts";
import { driveOperation, StepFailed } from "../registry/operations/drive.service.ts";
import { claimOperation, findTurn, LeaseHeld } from "../registry/operations/lease.service.ts";
import type { WorkScope } from "../registry/scope.ts";
import { testBudget } from "./databases.ts";

/** What a driver of long work in this process has, over a network of the test's making. */
export function openWork(settings: Settings, get: typeof fetch = fetch, leaseMs = 20): WorkScope {
  const budget = { ...testBudget(), writers: settings.DATABASE_WRITERS, fetch: get };
  const call = { request: systemRequest("test"), budget };
  const actor = { type: "system", id: "test" } as const;
  return { ...createPorts(settings, get).openWork(call, { actor }), leaseMs };
}

/** One driver's turn. What it ends in, in a word. */
export async function takeTurn(scope: WorkScope, id: string): Promise<string> {
  try {
    return await driveOperation(scope, await claimOperation(scope, id, scope.leaseMs));
  } catch (error) {
    if (error instanceof LeaseHeld) return "held";
    if (error instanceof StepFailed) return `failed at ${error.step}`;
    throw error;
  }
}

/** Turns until it is over, however often a driver is late. */
export async function driveToEnd(scope: WorkScope, id: string): Promise<void> {
  const until = Date.now() + 20_000;
  for (let outcome = ""; ; ) {
    // A look costs the registry far less than trying to write.
    const { status, leaseUntil } = await findTurn(scope, id);
    if (status === "succeeded" || status === "failed") return;
    if (leaseUntil < Date.now()) outcome = await takeTurn(scope, id);
    if (Date.now() > until) throw new Error(`The operation is not over: ${outcome}`);
    await new Promise((wake) => setTimeout(wake, 25));
  }
}
