import { createSigners } from "./core/mac.ts";
import type { RequestContext } from "./core/request.ts";
import { type Budget, openTenantDb } from "./db/connect.ts";
import type { Settings } from "./env.ts";
import {
  dayMs,
  identityProviderOf,
  platformOf,
  postOf,
  registryOf,
  storeOf,
} from "./ports.backends.ts";
import { kinds } from "./registry/kinds.ts";
import type { RegistryScope, WorkScope } from "./registry/scope.ts";

/** For the isolate: what long work is done with, whoever drives it. Holds data, no I/O. */
export function createWork(settings: Settings, get: typeof fetch) {
  const signers = createSigners(settings.SECRET_KEY);
  const platform = platformOf(settings, get);
  const people = identityProviderOf(settings, get);
  const post = postOf(settings, people);
  const store = storeOf(settings);
  /** No database of a tenant is worked on past `until`. */
  const open = (
    request: RequestContext,
    budget: Budget,
    { actor, once }: Pick<RegistryScope, "actor" | "once">,
    until = budget.deadline,
  ): WorkScope => ({
    db: registryOf(settings, budget),
    actor,
    request,
    ...(once ? { once } : {}),
    platform,
    keyRing: settings.ENCRYPTION_KEY,
    signers,
    store,
    keepFormerMs: settings.KEEP_FORMER_DATABASE_DAYS * dayMs,
    openTenant: (address, id, ms) =>
      openTenantDb(address, { ...budget, deadline: Math.min(until, Date.now() + ms) }, id),
    leaseMs: settings.OPERATION_LEASE_SECONDS * 1000,
    kinds,
    post: (tenant) => post(tenant, request),
    routesLastMs: settings.ROUTE_CACHE_SECONDS * 1000,
  });
  return { signers, platform, people, post, open };
}
