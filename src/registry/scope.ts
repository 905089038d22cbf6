import type { KeyRing } from "../core/key-ring.ts";
import type { Identity, RequestContext } from "../core/request.ts";
import type { DatabaseAddress, RegistryDb, TenantDb } from "../db/connect.ts";
import type { Once } from "../db/once.ts";
import type { Actor } from "../db/write.ts";
import type { Platform } from "../platform/platform.ts";
import type { Post, Signers } from "../tenant/scope.ts";

/** All a feature of the registry may touch, in the name of whoever the log is to name. */
export type RegistryScope = {
  readonly actor: Actor;
  readonly db: RegistryDb;
  readonly request: RequestContext;
  /** Set where the request is to have one effect, however often it arrives. */
  readonly once?: Once;
};

/** For one verified person. */
export type IdentityScope = RegistryScope & { readonly caller: Identity };

/** What it takes to set up a tenant, beside the registry. */
export type ProvisioningScope = IdentityScope & {
  readonly platform: Platform;
  readonly keyRing: KeyRing;
  readonly openTenant: (address: DatabaseAddress, tenantId: string) => TenantDb;
  /** Tenants one identity may own. */
  readonly maxTenants: number;
  readonly leaseMs: number;
};

/** What it takes to bring tenants' databases to the newest schema. */
export type FleetScope = RegistryScope & {
  readonly platform: Pick<Platform, "locate">;
  readonly keyRing: KeyRing;
  /** With so many milliseconds, be they for a single statement. */
  readonly openForMigration: (address: DatabaseAddress, tenantId: string, ms: number) => TenantDb;
  /** How long whoever died keeps others from going on. */
  readonly migrationLeaseMs: number;
};

/** What it takes to look after everybody's tenants, in nobody's name. */
export type JobScope = FleetScope & {
  readonly platform: Platform;
  readonly signers: Signers;
  /** Hands over the mails of one tenant. */
  readonly post: (tenant: { readonly organizationId: string | null }) => Post;
  /** Each with so many milliseconds of its own. */
  readonly openTenant: (address: DatabaseAddress, tenantId: string, ms: number) => TenantDb;
  /** Puts down that one tenant could not be looked after. The others are. */
  readonly failed: (tenantId: string, error: unknown) => void;
};
