import type { KeyRing } from "../core/key-ring.ts";
import type { Identity, RequestContext } from "../core/request.ts";
import type { DatabaseAddress, RegistryDb, TenantDb } from "../db/connect.ts";
import type { Once } from "../db/once.ts";
import type { Actor } from "../db/write.ts";
import type { ObjectStore } from "../object-store/object-store.ts";
import type { Platform } from "../platform/platform.ts";
import type { Post, Signers } from "../tenant/scope.ts";
import type { Kind } from "./operations/kind.ts";
import type { OperationKind } from "./operations/operations.table.ts";

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

/** What it takes to bring tenants' databases to the newest schema. */
export type FleetScope = RegistryScope & {
  /** What lets us past a block, too, where it is at hand. */
  readonly platform: Pick<Platform, "locate"> & Partial<Pick<Platform, "configure">>;
  readonly keyRing: KeyRing;
  /** With so many milliseconds, be they for a single statement. */
  readonly openForMigration: (address: DatabaseAddress, tenantId: string, ms: number) => TenantDb;
  /** How long whoever died keeps others from going on. */
  readonly migrationLeaseMs: number;
};

/** What it takes to carry a long job on, whoever asked for it. */
export type WorkScope = RegistryScope & {
  readonly platform: Platform;
  readonly keyRing: KeyRing;
  readonly signers: Signers;
  /** Where backups are kept; without it there are none. */
  readonly store?: ObjectStore | undefined;
  /** How long a database that was replaced is kept. */
  readonly keepFormerMs: number;
  /** Each with so many milliseconds of its own, as far as the whole has them. */
  readonly openTenant: (address: DatabaseAddress, tenantId: string, ms: number) => TenantDb;
  /** How long a driver that vanished keeps others waiting. */
  readonly leaseMs: number;
  readonly kinds: Readonly<Record<OperationKind, Kind>>;
  /** Hands over the mails of one tenant. */
  readonly post: (tenant: { readonly organizationId: string | null }) => Post;
  /** How long a Worker may go on with an address and a token after they were replaced. */
  readonly routesLastMs: number;
};

/** What it takes to set up a tenant. */
export type ProvisioningScope = IdentityScope &
  WorkScope & {
    /** Tenants one identity may own. */
    readonly maxTenants: number;
    /** Whether databases made ahead may be there. */
    readonly usesWarm: boolean;
  };

/** What it takes to look after everybody's tenants, in nobody's name. */
export type JobScope = WorkScope &
  FleetScope & {
    /** How long a token is good that is minted now. */
    readonly tokensLastMs: number;
    /** How long a database that is nobody's is closed before it is destroyed; 0 leaves all of them alone. */
    readonly removeAfterMs: number;
    /** Databases kept ready for whoever signs up next. */
    readonly warmPoolSize: number;
    /** Puts down that one tenant could not be looked after. The others are. */
    readonly failed: (tenantId: string, error: unknown) => void;
  };
