import { OpenAPIHono } from "@hono/zod-openapi";
import { ApiError, type FieldError } from "../core/error.ts";
import type { ApiKey, Caller, Identity, RequestContext } from "../core/request.ts";
import type { Budget, TenantDb } from "../db/connect.ts";
import type { IdentityProvider } from "../identity/identity-provider.ts";
import type {
  IdentityScope,
  ProvisioningScope,
  RegistryScope,
  WorkScope,
} from "../registry/scope.ts";
import type { TenantRoute } from "../registry/tenants/locate.service.ts";
import type { Archive } from "../tenant/backups/archive.ts";
import type { Closing, Directory, Post, Quotas, Signers, TenantScope } from "../tenant/scope.ts";
import type { ProviderMetadata } from "./discovery.ts";
import type { LoginSettings } from "./login-config.ts";
import type { Remembered } from "./remembered.ts";
import type { TenancySettings } from "./signals.ts";

/** One request: what is known of it and what it may cost. */
export type Call = { readonly request: RequestContext; readonly budget: Budget };

/** What the HTTP layer asks of the rest, wired in `src/ports.ts`. */
export type Ports = {
  readonly tenancy: TenancySettings;
  readonly login: LoginSettings;
  /** What the identity provider says of itself; throws 503 when it cannot be had. */
  readonly provider: Remembered<ProviderMetadata>["current"];
  readonly provisioning: { readonly slugMin: number; readonly slugMax: number };
  /** Throws `unauthenticated` for any token that is not ours, current and whole. */
  readonly verify: (token: string, request: RequestContext) => Promise<Identity>;
  /** Throws `unauthenticated` for any text we never issued as a key. Asks no database. */
  readonly readKey: (text: string) => Promise<ApiKey>;
  /** Without a caller nobody is known yet. */
  readonly openRegistry: (call: Call, caller?: Caller) => RegistryScope;
  /** For what is done at a tenant as a whole, in the name of whoever asks for it. */
  readonly openWork: (call: Call, by: Pick<RegistryScope, "actor" | "once">) => WorkScope;
  /** With the time it takes to set up a tenant. */
  readonly openProvisioning: (call: Call, identity: Identity) => ProvisioningScope;
  readonly findTenant: (
    registry: RegistryScope,
    name: string,
    afresh?: boolean,
  ) => Promise<TenantRoute | undefined>;
  /** The same tenant once this code can work with its database's schema; throws 503 until then. */
  readonly fitTenant: (
    registry: RegistryScope,
    route: TenantRoute,
  ) => Promise<TenantRoute | undefined>;
  /** Goes on with a migration of the fleet for a while, behind the answer. */
  readonly driveMigration: (call: Call, id: string) => void;
  /** The registry is asked again where the database refuses the token that is remembered. */
  readonly openTenant: (route: TenantRoute, budget: Budget, registry: RegistryScope) => TenantDb;
  readonly directory: (registry: RegistryScope, tenantId: string) => Directory;
  readonly closing: (call: Call, by: Pick<RegistryScope, "actor">, tenantId: string) => Closing;
  readonly archive: (work: WorkScope, tenantId: string, caller: Caller) => Archive;
  readonly signers: Signers;
  readonly quotas: Quotas;
  /** For one tenant, which may be an organisation at the provider. */
  readonly post: (tenant: Pick<TenantRoute, "organizationId">, request: RequestContext) => Post;
  /** The accounts people have at the provider, where this deployment manages them. */
  readonly people: IdentityProvider;
  /** Whether the claim in the token has an active row in the registry. */
  readonly isOperator: (registry: RegistryScope, identity: Identity) => Promise<boolean>;
  /** The state of each dependency, by name; never where it is. */
  readonly check: (call: Call) => Promise<Record<string, "up" | "down">>;
};

/** What the log line of a failed request says beside its status. */
type Failure = {
  readonly code: string;
  readonly causes: string[];
  readonly stack?: string[] | undefined;
};

type Base = Call & { readonly ports: Ports };
type Variables = Base & { caller?: Caller; scope?: TenantScope; failure?: Failure };
export type PublicEnv = { Variables: Variables };
/** Somebody is known; whether their right lies in a tenant or in the registry is not said. */
export type CallerEnv = {
  Variables: Base & { caller: Caller; scope?: TenantScope; registry?: IdentityScope };
};
export type IdentityEnv = {
  Variables: Base & {
    caller: Identity;
    identity: Identity;
    registry: IdentityScope;
    scope?: TenantScope;
  };
};
export type TenantEnv = { Variables: Base & { caller: Caller; scope: TenantScope } };

const places = {
  json: "body",
  form: "body",
  query: "query",
  param: "path",
  header: "header",
  cookie: "header",
} as const;

type Validated = {
  success: boolean;
  target: keyof typeof places;
  error?: { issues: { path: PropertyKey[]; message: string }[] };
};

/** Turns what zod found into the one error shape; `onError` lets the guard answer first. */
function rejectInvalid(result: Validated): void {
  if (result.success) return;
  const errors = (result.error?.issues ?? []).map(
    (issue): FieldError => ({
      in: places[result.target],
      path: issue.path.join("."),
      message: issue.message,
    }),
  );
  const summary = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message));
  throw new ApiError("invalid_request", summary.join("; "), { errors });
}

/** Routers differ by what their context promises: a tenant route cannot even name the registry. */
export const publicRouter = () => new OpenAPIHono<PublicEnv>({ defaultHook: rejectInvalid });
export const identityRouter = () => new OpenAPIHono<IdentityEnv>({ defaultHook: rejectInvalid });
export const tenantRouter = () => new OpenAPIHono<TenantEnv>({ defaultHook: rejectInvalid });
