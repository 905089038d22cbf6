import { createRoute } from "@hono/zod-openapi";
import { identityRouter } from "../../http/context.ts";
import { acceptedVersions, etagOf, IfMatch } from "../../http/etag.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import {
  AdminTenant,
  AdminTenantPage,
  AdminTenantParams,
  AdminTenantPatch,
  AdminTenantsQuery,
} from "./admin.schema.ts";
import { getTenant, listTenants, updateTenant } from "./admin.service.ts";

const tags = tag(
  "Operators",
  "The platform's own side: tenants as a whole, never what is in them.",
);

export const adminTenants = identityRouter();

adminTenants.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/tenants",
    operationId: "listTenantsAsOperator",
    summary: "List all tenants",
    tags,
    request: { query: AdminTenantsQuery },
    responses: { 200: json(AdminTenantPage, "One page of tenants"), ...operatorErrors() },
  }),
  async (c) => c.json(await listTenants(c.var.registry, c.req.valid("query")), 200),
);

adminTenants.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/tenants/{id}",
    operationId: "getTenantAsOperator",
    summary: "Get a tenant",
    tags,
    request: { params: AdminTenantParams },
    responses: { 200: json(AdminTenant, "The tenant", "ETag"), ...operatorErrors("not_found") },
  }),
  async (c) => {
    const tenant = await getTenant(c.var.registry, c.req.valid("param").id);
    c.header("etag", etagOf(tenant.id, tenant.version));
    return c.json(tenant, 200);
  },
);

adminTenants.openapi(
  createRoute({
    ...forOperators(),
    method: "patch",
    path: "/admin/tenants/{id}",
    operationId: "updateTenantAsOperator",
    summary: "Change the features of a tenant, or the organisation that names it",
    tags,
    request: { params: AdminTenantParams, headers: IfMatch, body: body(AdminTenantPatch) },
    responses: {
      200: json(AdminTenant, "The tenant after the change", "ETag"),
      ...operatorErrors("not_found", "precondition_failed", "organization_taken"),
    },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const accepted = acceptedVersions(c.req.header("if-match"), id);
    const tenant = await updateTenant(c.var.registry, id, c.req.valid("json"), accepted);
    c.header("etag", etagOf(tenant.id, tenant.version));
    return c.json(tenant, 200);
  },
);
