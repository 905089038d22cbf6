import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { json, tag } from "../../http/openapi.ts";
import { AccessGrantPage, GrantParams, GrantsQuery } from "./grants.schema.ts";
import { endGrant, listGrants } from "./grants.service.ts";

const tags = tag("Access grants", "Who of the platform may enter the tenant, why, and until when.");

export const grants = tenantRouter();

grants.openapi(
  createRoute({
    ...guarded({ tenantRole: "owner" }),
    method: "get",
    path: "/tenant/access-grants",
    operationId: "listAccessGrants",
    summary: "List the grants of platform admins, newest first",
    tags,
    request: { query: GrantsQuery },
    responses: { 200: json(AccessGrantPage, "One page of grants"), ...tenantErrors() },
  }),
  async (c) => c.json(await listGrants(c.var.scope, c.req.valid("query")), 200),
);

grants.openapi(
  createRoute({
    ...guarded({ tenantRole: "owner" }),
    method: "delete",
    path: "/tenant/access-grants/{id}",
    operationId: "endAccessGrant",
    summary: "Put a platform admin out",
    tags,
    request: { params: GrantParams },
    responses: { 204: { description: "The grant is over" }, ...tenantErrors("not_found") },
  }),
  async (c) => {
    await endGrant(c.var.scope, c.req.valid("param").id);
    return c.body(null, 204);
  },
);
