import { sql } from "drizzle-orm";
import { readBearer } from "./core/bearer-secret.ts";
import { type Caller, callerName } from "./core/request.ts";
import { batch } from "./db/batch.ts";
import { type Budget, openTenantDb } from "./db/connect.ts";
import type { Actor } from "./db/write.ts";
import type { Settings } from "./env.ts";
import { verifyToken } from "./http/authenticate.ts";
import { callbackRule } from "./http/callback.ts";
import type { Call, Ports } from "./http/context.ts";
import { createDiscovery } from "./http/discovery.ts";
import { createKeyFinder } from "./http/jwks.ts";
import type { LoginSettings } from "./http/login-config.ts";
import { fleetOf, registryOf } from "./ports.backends.ts";
import { createWork } from "./ports.work.ts";
import { isPlatformAdmin } from "./registry/admins/admins.service.ts";
import { createArchive } from "./registry/backups/archive.service.ts";
import { createDirectory } from "./registry/memberships/directory.service.ts";
import { driveRun } from "./registry/migrations/fleet.service.ts";
import { fits, untilFit } from "./registry/migrations/gate.service.ts";
import type { FleetScope } from "./registry/scope.ts";
import { createClosing } from "./registry/tenants/closing.service.ts";
import { findRoute } from "./registry/tenants/locate.service.ts";
import { createRouteCache } from "./registry/tenants/route-cache.ts";
import { invalidKey } from "./tenant/refusal.ts";

const providerTimeoutMs = 2000;
/** For what is done at a tenant as a whole, while somebody waits. */
const workMs = 30_000;
const readyMs = 1000;
/** A Worker may go on for thirty seconds behind an answer. */
const lazyMs = 28_000;
const behindAnswerMs = 15_000;
const behindAnswer = 200;
/** What it takes to say that the time is up. */
const answerMs = 500;

/** Wires settings to what the HTTP layer asks for. Lives as long as the isolate; holds data, no I/O. */
export function createPorts(settings: Settings, get: typeof fetch): Ports {
  const { identityProvider, ENCRYPTION_KEY: ring } = settings;
  const keys = createKeyFinder(identityProvider.jwksUri, providerTimeoutMs, get);
  const rules = {
    ...identityProvider,
    namespace: settings.CLAIM_NAMESPACE,
    organizationClaim: settings.ORGANIZATION_CLAIM,
    keys,
  };
  const work = createWork(settings, get);
  const { signers, platform, people, post } = work;
  const remember = createRouteCache(settings.ROUTE_CACHE_SECONDS * 1000);
  const registry = (budget: Budget) => registryOf(settings, budget);
  const openWork: Ports["openWork"] = ({ budget, request }, by) =>
    work.open(request, { ...budget, deadline: request.now + workMs }, by);
  const openFleet = ({ request, budget }: Call, ms: number): FleetScope => {
    const longer = { ...budget, deadline: Date.now() + ms };
    const actor = { type: "system", id: "migration" } as const;
    const fleet = fleetOf(settings, platform, longer);
    const migrationLeaseMs = Math.min(fleet.migrationLeaseMs, ms);
    return { db: registry(longer), actor, request, ...fleet, migrationLeaseMs };
  };
  const findTenant: Ports["findTenant"] = ({ db }, name, afresh) =>
    remember(name, (wanted) => findRoute(db, wanted, platform, ring), afresh);

  return {
    tenancy: {
      resolver: settings.DEFAULT_TENANT_RESOLVER,
      headerName: settings.TENANT_HEADER_NAME,
      baseDomain: settings.BASE_DOMAIN,
    },
    login: loginOf(settings),
    provider: createDiscovery(identityProvider.issuer, providerTimeoutMs, get).current,
    provisioning: {
      slugMin: settings.TENANT_SLUG_MIN_LENGTH,
      slugMax: settings.TENANT_SLUG_MAX_LENGTH,
    },
    verify: (token, request) => verifyToken(token, rules, request),
    readKey: async (text) => {
      const bearer = await readBearer("key", text, await signers("bearer"));
      if (!bearer) throw invalidKey();
      return { kind: "key", ...bearer };
    },
    openRegistry: ({ budget, request }, caller) => ({
      db: registry(budget),
      actor: actorOf(caller),
      request,
    }),
    openWork,
    openProvisioning: (call, caller) => ({
      ...openWork(call, { actor: actorOf(caller) }),
      caller,
      usesWarm: settings.WARM_POOL_SIZE > 0,
      maxTenants: settings.MAX_TENANTS_PER_USER,
    }),
    findTenant,
    fitTenant: async (registry, route) => {
      if (fits(route.schema)) return route;
      const { db, request } = registry;
      const look = () => remember(route.id, (name) => findRoute(db, name, platform, ring), true);
      const until = db.budget.deadline - answerMs;
      const fleet = openFleet({ request, budget: db.budget }, lazyMs);
      return await untilFit(fleet, look, { lazily: settings.LAZY_MIGRATION, until });
    },
    driveMigration: (call, id) => {
      const bounds = { tenants: behindAnswer, until: Date.now() + behindAnswerMs };
      call.request.keepAlive(driveRun(openFleet(call, lazyMs), id, bounds));
    },
    openTenant: (route, budget, scope) =>
      openTenantDb(route.address, budget, route.id, async () => {
        const now = await findTenant(scope, route.id, true);
        return now?.address;
      }),
    directory: createDirectory,
    closing: (call, by, id) => createClosing(openWork(call, by), id),
    archive: createArchive,
    signers,
    quotas: {
      deletionDays: settings.DELETION_GRACE_DAYS,
      apiKeys: settings.MAX_API_KEYS,
      grantMinutes: settings.ACCESS_GRANT_MAX_MINUTES,
    },
    post,
    people,
    isOperator: isPlatformAdmin,
    check: cachedFor(readyMs, async ({ budget, request }: Call) => {
      const db = registry(budget);
      const probe = [db.select({ one: sql`1` }).from(sql`(select 1)`)] as const;
      const [registryState, keysState] = await Promise.allSettled([
        batch(db, "read", probe),
        keys.warm(request.keepAlive),
      ]);
      const state = (result: PromiseSettledResult<unknown>) =>
        result.status === "fulfilled" ? "up" : "down";
      return { registry: state(registryState), identityProvider: state(keysState) };
    }),
  };
}

const actorOf = (caller: Caller | undefined): Actor =>
  caller ? { type: caller.kind, id: callerName(caller) } : { type: "system", id: "system" };

function loginOf(settings: Settings): LoginSettings {
  const { identityProvider, clientId = null, FRONTEND_URL, CORS_ALLOW_ORIGINS } = settings;
  const { issuer, audience } = identityProvider;
  return {
    issuer,
    audience,
    clientId,
    scopes: settings.IDP_SCOPES.split(/\s+/),
    isCallback: callbackRule([new URL(FRONTEND_URL).origin, ...CORS_ALLOW_ORIGINS]),
    features: {
      login: clientId !== null,
      identityManagement: settings.management !== undefined,
      mail: settings.mail !== undefined,
    },
  };
}
/** `/ready` is public: a burst of calls costs one probe. */
function cachedFor<In, Out>(freshMs: number, find: (input: In) => Promise<Out>) {
  let last: { at: number; found: Out } | undefined;
  return async (input: In): Promise<Out> => {
    if (last && Date.now() - last.at < freshMs) return last.found;
    const found = await find(input);
    last = { at: Date.now(), found };
    return found;
  };
}
