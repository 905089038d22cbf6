import type { Identity, RequestContext } from "../core/request.ts";
import type { DatabaseAddress, RegistryDb, TenantDb } from "../db/connect.ts";
import type { Platform } from "../platform/platform.ts";
import type { KeyRing } from "./tenants/token-vault.ts";

/** All an identity feature may touch: the registry, in the name of one verified caller. */
export type RegistryScope = {
  readonly caller: Identity;
  readonly db: RegistryDb;
  readonly request: RequestContext;
};

/** What it takes to set up a tenant, beside the registry. */
export type ProvisioningScope = RegistryScope & {
  readonly platform: Platform;
  readonly keyRing: KeyRing;
  readonly openTenant: (address: DatabaseAddress, tenantId: string) => TenantDb;
  /** Tenants one identity may own. */
  readonly maxTenants: number;
  readonly leaseMs: number;
};
