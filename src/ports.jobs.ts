import { createSigners } from "./core/mac.ts";
import { systemRequest } from "./core/request.ts";
import { openTenantDb } from "./db/connect.ts";
import type { Settings } from "./env.ts";
import type { Limits } from "./http/request-context.ts";
import {
  dayMs,
  fleetOf,
  identityProviderOf,
  platformOf,
  postOf,
  registryOf,
  storeOf,
} from "./ports.backends.ts";
import { kinds } from "./registry/kinds.ts";
import type { JobScope } from "./registry/scope.ts";

/** Of the fifteen minutes a Worker may take that the clock has called. */
const jobMs = 10 * 60_000;

/** What a job works with. Opened for each run, as nothing that does I/O outlives it. */
export function createJobScopes(settings: Settings, limits: Limits) {
  const signers = createSigners(settings.SECRET_KEY);
  const platform = platformOf(settings, limits.fetch);
  const post = postOf(settings, identityProviderOf(settings, limits.fetch));
  return (name: string): Omit<JobScope, "failed"> => {
    const request = systemRequest(name);
    const budget = { ...limits, deadline: request.now + jobMs, spent: { trips: 0 } };
    return {
      db: registryOf(settings, budget),
      actor: { type: "system", id: name },
      request,
      ...fleetOf(settings, platform, budget),
      platform,
      store: storeOf(settings),
      keepFormerMs: settings.KEEP_FORMER_DATABASE_DAYS * dayMs,
      signers,
      leaseMs: settings.OPERATION_LEASE_SECONDS * 1000,
      kinds,
      tokensLastMs: settings.DATABASE_TOKEN_DAYS * 86_400_000,
      warmPoolSize: settings.WARM_POOL_SIZE,
      removeAfterMs: settings.UNUSED_DATABASE_DAYS * 86_400_000,
      routesLastMs: settings.ROUTE_CACHE_SECONDS * 1000,
      post: (tenant) => post(tenant, request),
      openTenant: (address, id, ms) =>
        openTenantDb(address, { ...budget, deadline: Date.now() + ms }, id),
    };
  };
}
