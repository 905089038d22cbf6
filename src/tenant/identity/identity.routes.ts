import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { acceptedVersions, etagOf, IfMatch } from "../../http/etag.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import { Tenant, TenantHealth, TenantPatch } from "./identity.schema.ts";
import { getTenant, getTenantHealth, renameTenant } from "./identity.service.ts";

const tags = tag("Tenant", "The tenant the request names.");

export const identity = tenantRouter();

identity.openapi(
  createRoute({
    ...guarded({ member: true }),
    method: "get",
    path: "/tenant",
    operationId: "getTenant",
    summary: "Get the tenant itself",
    tags,
    responses: { 200: json(Tenant, "The tenant", "ETag"), ...tenantErrors() },
  }),
  async (c) => {
    const tenant = await getTenant(c.var.scope);
    c.header("etag", etagOf(tenant.id, tenant.version));
    return c.json(tenant, 200);
  },
);

identity.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/tenant/health",
    operationId: "getTenantHealth",
    summary: "Ask the tenant's database how it is",
    tags,
    responses: { 200: json(TenantHealth, "What it answers"), ...tenantErrors() },
  }),
  async (c) => c.json(await getTenantHealth(c.var.scope), 200),
);

identity.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "patch",
    path: "/tenant",
    operationId: "renameTenant",
    summary: "Change the tenant's name",
    tags,
    request: { headers: IfMatch, body: body(TenantPatch) },
    responses: {
      200: json(Tenant, "The tenant after the change", "ETag"),
      ...tenantErrors("precondition_failed"),
    },
  }),
  async (c) => {
    const { scope } = c.var;
    const accepted = acceptedVersions(c.req.header("if-match"), scope.tenant.id);
    const tenant = await renameTenant(scope, c.req.valid("json"), accepted);
    c.header("etag", etagOf(tenant.id, tenant.version));
    return c.json(tenant, 200);
  },
);
