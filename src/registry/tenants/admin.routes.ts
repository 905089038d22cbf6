import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { TenantDb } from "../../db/connect.ts";
import { type IdentityEnv, identityRouter } from "../../http/context.ts";
import { acceptedVersions, etagOf, IfMatch } from "../../http/etag.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import { Operation } from "../operations/operations.schema.ts";
import { getAnyOperation } from "../operations/operations.service.ts";
import { workOf } from "../work.ts";
import {
  AdminTenant,
  AdminTenantPage,
  AdminTenantParams,
  AdminTenantPatch,
  AdminTenantsQuery,
  NewFirstOwner,
  NewTenantForOwner,
  TenantHealthReport,
} from "./admin.schema.ts";
import { getTenant, listTenants, noSuchTenant } from "./admin.service.ts";
import { updateTenant } from "./admin.write.service.ts";
import { inviteOwnerOf } from "./first-owner.service.ts";
import { foundForOwner } from "./found-for-owner.service.ts";
import { reportHealth } from "./health.service.ts";
import { assertSlugLength } from "./slug-length.ts";

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
    method: "post",
    path: "/admin/tenants",
    operationId: "createTenantAsOperator",
    summary: "Set a tenant up for its owner, who gets an invitation by mail",
    description: "You are no member of it. Sent again by you, it takes up where it stopped.",
    tags,
    request: { body: body(NewTenantForOwner) },
    responses: {
      201: json(AdminTenant, "The tenant, waiting for its owner", "Location"),
      202: json(Operation, "Being set up by another request; see Location", "Location"),
      ...operatorErrors("slug_taken", "idempotency_in_flight", "tenant_credentials_unreadable"),
    },
  }),
  async (c) => {
    const { ports, registry } = c.var;
    const input = c.req.valid("json");
    assertSlugLength(input.slug, ports.provisioning);
    const result = await foundForOwner(workOf(c), input);
    if ("operationId" in result) {
      c.header("location", `/api/v1/admin/operations/${result.operationId}`);
      return c.json(await getAnyOperation(registry, result.operationId), 202);
    }
    c.header("location", `${c.req.path}/${result.id}`);
    return c.json(result, 201);
  },
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
    summary: "Change a tenant: its name, plan, features, limits, metadata or organisation",
    tags,
    request: { params: AdminTenantParams, headers: IfMatch, body: body(AdminTenantPatch) },
    responses: {
      200: json(AdminTenant, "The tenant after the change", "ETag"),
      ...operatorErrors(
        "not_found",
        "precondition_failed",
        "organization_taken",
        "tenant_credentials_unreadable",
      ),
    },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const accepted = acceptedVersions(c.req.header("if-match"), id);
    const patch = c.req.valid("json");
    const open = () => openById(c, id);
    const { registry, ports } = c.var;
    const tenant = await updateTenant(registry, id, patch, accepted, open);
    // This Worker at least knows of it at once.
    await ports.findTenant(registry, id, true);
    c.header("etag", etagOf(tenant.id, tenant.version));
    return c.json(tenant, 200);
  },
);

adminTenants.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/tenants/{id}/owner-invitations",
    operationId: "inviteFirstOwner",
    summary: "Invite the owner of a tenant that has none yet, in the place of whoever was invited",
    tags,
    request: { params: AdminTenantParams, body: body(NewFirstOwner) },
    responses: {
      202: { description: "The mail is on its way; links sent before are dead" },
      ...operatorErrors("not_found", "conflict", "tenant_credentials_unreadable"),
    },
  }),
  async (c) => {
    await inviteOwnerOf(workOf(c), c.req.valid("param").id, c.req.valid("json"));
    return c.body(null, 202);
  },
);

adminTenants.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/tenants/{id}/health",
    operationId: "getTenantHealthAsOperator",
    summary: "Ask a tenant's database how it is",
    tags,
    request: { params: AdminTenantParams },
    responses: {
      200: json(TenantHealthReport, "What it answers, or why it does not"),
      ...operatorErrors("not_found"),
    },
  }),
  async (c) => c.json(await reportHealth(workOf(c), c.req.valid("param").id), 200),
);

async function openById(c: Context<IdentityEnv>, id: string): Promise<TenantDb> {
  const { ports, registry, budget } = c.var;
  const route = await ports.findTenant(registry, id);
  if (!route) throw noSuchTenant();
  return ports.openTenant(route, budget, registry);
}
