import type { WorkScope } from "../scope.ts";
import { driveOperation } from "./drive.service.ts";
import { claimOperation } from "./lease.service.ts";

/** A Worker may go on for so long after its answer; then the sweeper takes over. */
const driveMs = 20_000;

/**
 * Drives an operation beside the request that asked for it, and waits a moment: it may be over by then.
 * What fails is written down, and taken up again by itself.
 */
export async function startOperation(
  scope: WorkScope,
  id: string,
  patienceMs: number,
): Promise<void> {
  const work = claimOperation(scope, id, scope.leaseMs)
    .then((turn) => driveOperation(scope, turn, Date.now() + driveMs))
    .catch(() => undefined);
  scope.request.keepAlive(work);
  await Promise.race([work, new Promise((wake) => setTimeout(wake, patienceMs))]);
}
