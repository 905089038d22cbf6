import {
  type Budget,
  openRegistryDb,
  openTenantDb,
  type RegistryDb,
  type TenantDb,
} from "../db/connect.ts";
import type { Settings } from "../env.ts";
import { databaseNameOf, type Platform } from "../platform/platform.ts";
import { platformOf } from "../ports.backends.ts";
import type { WorkScope } from "../registry/scope.ts";
import { findRoute } from "../registry/tenants/locate.service.ts";

/** A budget nothing in a test runs out of. */
export const testBudget = (): Budget => ({
  deadline: Date.now() + 600_000,
  timeoutMs: 10_000,
  writers: 16,
  spent: { trips: 0 },
  fetch,
});

/** The registry, by the back door. */
export const openRegistry = (settings: Settings, budget = testBudget()) =>
  openRegistryDb(
    {
      url: settings.GLOBAL_DATABASE_URL,
      namespace: settings.GLOBAL_DATABASE_NAMESPACE,
      token: settings.GLOBAL_AUTH_TOKEN,
    },
    budget,
  );

/** Any database of the platform, by the back door. */
export async function openDatabase(
  platform: Platform,
  name: string,
  tenantId = name,
): Promise<TenantDb> {
  const { token } = await platform.mintToken(name);
  return openTenantDb({ ...platform.locate(name, null), token }, testBudget(), tenantId);
}

/** The database a tenant has now, whichever that is. */
export async function openNow(
  { platform, keyRing }: Pick<WorkScope, "platform" | "keyRing">,
  registry: RegistryDb,
  tenantId: string,
): Promise<TenantDb> {
  const route = await findRoute(registry, tenantId, platform, keyRing);
  if (!route) throw new Error(`No tenant ${tenantId}`);
  return openTenantDb(route.address, testBudget(), tenantId);
}

/** A tenant's own database, by the back door: to arrange, and to see what is really stored. */
export const openTenant = async (settings: Settings, tenantId: string): Promise<TenantDb> =>
  await openDatabase(platformOf(settings, fetch), databaseNameOf(tenantId), tenantId);
