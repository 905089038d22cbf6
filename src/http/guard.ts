import type { MiddlewareHandler } from "hono";
import type { Access } from "../core/access.ts";
import type { ErrorCode } from "../core/error.ts";
import { bearerToken } from "./authenticate.ts";
import type { IdentityEnv, TenantEnv, TokenEnv } from "./context.ts";
import { limitBody, requireJson } from "./limits.ts";
import { errors } from "./openapi.ts";
import { enterTenant } from "./tenancy.ts";

const security = [{ bearer: [] }];

const authenticate: MiddlewareHandler<TokenEnv> = async (c, next) => {
  c.set(
    "identity",
    await c.var.ports.verify(bearerToken(c.req.header("authorization")), c.var.request),
  );
  await next();
};

/** Of operations that act in a tenant; the document spells them out. */
export const tenantHeaders = [
  { $ref: "#/components/parameters/Tenant" },
  { $ref: "#/components/parameters/Account" },
];

/**
 * Spread into `createRoute`: who may call a tenant route, enforced and documented by one value. The
 * middleware opens the scope; `read` and `commit` prove the access in the tenant's own database.
 */
export const guarded = (access: Access) => {
  const enter: MiddlewareHandler<TenantEnv> = async (c, next) => {
    c.set("scope", await enterTenant(c, access));
    await next();
  };
  return {
    security,
    middleware: [authenticate, enter, requireJson, limitBody] as MiddlewareHandler[],
    "x-plane": "tenant" as const,
    "x-access": access,
    parameters: tenantHeaders,
  };
};

const openRegistry: MiddlewareHandler<IdentityEnv> = async (c, next) => {
  c.set("registry", c.var.ports.openRegistry(c.var, c.var.identity));
  await next();
};

/** Spread into `createRoute`: any valid token, no tenant needed. */
export const forIdentity = () => ({
  security,
  middleware: [authenticate, openRegistry, requireJson, limitBody] as MiddlewareHandler[],
  "x-plane": "identity" as const,
});

/** Spread into `createRoute`: open to the world. */
export const forEveryone = () => ({ security: [], "x-plane": "public" as const });

/** What identity operations can answer, whatever they do, and `codes`. */
export const identityErrors = (...codes: ErrorCode[]) =>
  errors<ErrorCode>(
    "invalid_request",
    "unauthenticated",
    "payload_too_large",
    "unsupported_media_type",
    "internal_error",
    "dependency_unavailable",
    "config_invalid",
    ...codes,
  );

/** What tenant operations can answer, whatever they do, and `codes`. A first call may create the caller's user. */
export const tenantErrors = (...codes: ErrorCode[]) =>
  identityErrors(
    "tenant_required",
    "account_required",
    "forbidden",
    "tenant_forbidden",
    "tenant_mismatch",
    "tenant_suspended",
    "user_suspended",
    "account_forbidden",
    "verified_email_required",
    "email_taken",
    "tenant_credentials_unreadable",
    ...codes,
  );
