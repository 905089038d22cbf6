import type { MiddlewareHandler } from "hono";
import { type Access, isOpenTo } from "../core/access.ts";
import { isBearer } from "../core/bearer-secret.ts";
import { ApiError, type ErrorCode } from "../core/error.ts";
import { bearerToken } from "./authenticate.ts";
import type { CallerEnv, IdentityEnv, TenantEnv } from "./context.ts";
import { idempotent } from "./idempotency.ts";
import { limitBody, requireJson } from "./limits.ts";
import { errors } from "./openapi.ts";
import { enterTenant } from "./tenancy.ts";

const bearer = { bearer: [] };
const apiKey = { apiKey: [] };

/** A token speaks for a person, a key for its owner. */
const authenticate: MiddlewareHandler<CallerEnv> = async (c, next) => {
  const { ports, request } = c.var;
  const token = bearerToken(c.req.header("authorization"));
  const isKey = isBearer("key", token);
  c.set("caller", isKey ? await ports.readKey(token) : await ports.verify(token, request));
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
    security: isOpenTo(access, "key") ? [bearer, apiKey] : [bearer],
    middleware: [authenticate, enter, requireJson, limitBody, idempotent] as MiddlewareHandler[],
    "x-plane": "tenant" as const,
    "x-access": access,
    parameters: tenantHeaders,
  };
};

const identify: MiddlewareHandler<IdentityEnv> = async (c, next) => {
  const { ports, request } = c.var;
  const identity = await ports.verify(bearerToken(c.req.header("authorization")), request);
  c.set("caller", identity);
  c.set("identity", identity);
  c.set("registry", { ...ports.openRegistry(c.var, identity), caller: identity });
  await next();
};

/** Spread into `createRoute`: any valid token, no tenant needed. */
export const forIdentity = () => ({
  security: [bearer],
  middleware: [identify, requireJson, limitBody, idempotent] as MiddlewareHandler[],
  "x-plane": "identity" as const,
});

const assertOperator: MiddlewareHandler<IdentityEnv> = async (c, next) => {
  const { registry, identity, ports } = c.var;
  if (!(await ports.isOperator(registry, identity)))
    throw new ApiError("forbidden", "This needs an active platform admin");
  c.set("registry", { ...registry, actor: { ...registry.actor, type: "operator" } });
  await next();
};

/** Spread into `createRoute`: platform admins, by the claim in the token and the registry's row. */
export const forOperators = () => ({
  security: [bearer],
  middleware: [identify, assertOperator, requireJson, limitBody, idempotent] as MiddlewareHandler[],
  "x-plane": "operator" as const,
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

/** What operations of the operator's plane can answer, whatever they do, and `codes`. */
export const operatorErrors = (...codes: ErrorCode[]) => identityErrors("forbidden", ...codes);

/** What tenant operations can answer, whatever they do, and `codes`. A first call may create the caller's user. */
export const tenantErrors = (...codes: ErrorCode[]) =>
  identityErrors(
    "session_revoked",
    "tenant_required",
    "account_required",
    "forbidden",
    "tenant_forbidden",
    "tenant_mismatch",
    "tenant_suspended",
    "tenant_deleting",
    "user_suspended",
    "account_forbidden",
    "feature_disabled",
    "verified_email_required",
    "email_taken",
    "tenant_credentials_unreadable",
    "schema_outdated",
    "schema_ahead",
    ...codes,
  );
