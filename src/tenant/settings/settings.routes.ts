import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { etagOf, RequiredIfMatch, requiredVersions } from "../../http/etag.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { body, json } from "../../http/openapi.ts";
import { SettingsPatch, TenantSettings } from "./settings.schema.ts";
import { getSettings, updateSettings } from "./settings.service.ts";

const tags = ["Tenant"];

export const settings = tenantRouter();

settings.openapi(
  createRoute({
    ...guarded({ member: true }),
    method: "get",
    path: "/tenant/settings",
    operationId: "getTenantSettings",
    summary: "Get what the tenant has set for itself",
    tags,
    responses: { 200: json(TenantSettings, "The settings", "ETag"), ...tenantErrors("not_found") },
  }),
  async (c) => {
    const found = await getSettings(c.var.scope);
    c.header("etag", etagOf(c.var.scope.tenant.id, found.version));
    return c.json(found, 200);
  },
);

settings.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "patch",
    path: "/tenant/settings",
    operationId: "updateTenantSettings",
    summary: "Change the settings, if they still are what If-Match says",
    tags,
    request: { headers: RequiredIfMatch, body: body(SettingsPatch) },
    responses: {
      200: json(TenantSettings, "The settings after the change", "ETag"),
      ...tenantErrors("not_found", "precondition_failed", "precondition_required"),
    },
  }),
  async (c) => {
    const { tenant } = c.var.scope;
    const accepted = requiredVersions(c.req.header("if-match"), tenant.id);
    const changed = await updateSettings(c.var.scope, c.req.valid("json"), accepted);
    c.header("etag", etagOf(tenant.id, changed.version));
    return c.json(changed, 200);
  },
);
