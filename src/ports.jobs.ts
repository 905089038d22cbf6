import { systemRequest } from "./core/request.ts";
import type { Settings } from "./env.ts";
import type { Limits } from "./http/request-context.ts";
import { dayMs, fleetOf } from "./ports.backends.ts";
import { createWork } from "./ports.work.ts";
import type { JobScope } from "./registry/scope.ts";

/** Of the fifteen minutes a Worker may take that the clock has called. */
const jobMs = 10 * 60_000;

/** What a job works with. Opened for each run, as nothing that does I/O outlives it. */
export function createJobScopes(settings: Settings, limits: Limits) {
  const work = createWork(settings, limits.fetch);
  return (name: string): Omit<JobScope, "failed"> => {
    const request = systemRequest(name);
    const budget = { ...limits, deadline: request.now + jobMs, spent: { trips: 0 } };
    // A visit that was begun in time is finished.
    const visitsUntil = Number.POSITIVE_INFINITY;
    const opened = work.open(request, budget, { actor: { type: "system", id: name } }, visitsUntil);
    return {
      ...fleetOf(settings, work.platform, budget),
      ...opened,
      tokensLastMs: settings.DATABASE_TOKEN_DAYS * dayMs,
      warmPoolSize: settings.WARM_POOL_SIZE,
      removeAfterMs: settings.UNUSED_DATABASE_DAYS * dayMs,
    };
  };
}
