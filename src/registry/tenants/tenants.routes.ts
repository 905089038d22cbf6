import { createRoute, z } from "@hono/zod-openapi";
import { PageMeta } from "../../core/pagination.ts";
import { identityRouter } from "../../http/context.ts";
import { forIdentity, identityErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import { Operation } from "../operations/operations.schema.ts";
import { getOperation } from "../operations/operations.service.ts";
import { registerTenant } from "./provision.service.ts";
import { assertSlugLength } from "./slug-length.ts";
import { MyTenant, MyTenantsQuery, NewTenant, RegisteredTenant } from "./tenants.schema.ts";
import { listMyTenants } from "./tenants.service.ts";

const tags = tag("Tenants", "Your tenants, and signing up a new one.");
const MyTenantPage = z.object({ data: z.array(MyTenant), meta: PageMeta }).openapi("MyTenantPage");

export const tenants = identityRouter();

tenants.openapi(
  createRoute({
    ...forIdentity(),
    method: "get",
    path: "/tenants",
    operationId: "listMyTenants",
    summary: "The tenants you belong to",
    tags,
    request: { query: MyTenantsQuery },
    responses: { 200: json(MyTenantPage, "One page of tenants"), ...identityErrors() },
  }),
  async (c) => c.json(await listMyTenants(c.var.registry, c.req.valid("query")), 200),
);

tenants.openapi(
  createRoute({
    ...forIdentity(),
    method: "post",
    path: "/tenants/register",
    operationId: "registerTenant",
    summary: "Sign a customer up: a tenant with a database of its own, owned by you",
    tags,
    request: { body: body(NewTenant) },
    responses: {
      201: json(RegisteredTenant, "The tenant, ready for use"),
      202: json(Operation, "Being set up by another request; see Location", "Location"),
      ...identityErrors(
        "verified_email_required",
        "slug_taken",
        "tenant_limit_reached",
        "tenant_credentials_unreadable",
      ),
    },
  }),
  async (c) => {
    const { ports, identity, registry } = c.var;
    const input = c.req.valid("json");
    assertSlugLength(input.slug, ports.provisioning);
    const { once } = registry;
    const scope = ports.openProvisioning(c.var, identity);
    const result = await registerTenant(once ? { ...scope, once } : scope, input);
    if (!("operationId" in result)) return c.json(result, 201);
    c.header("location", `/api/v1/operations/${result.operationId}`);
    return c.json(await getOperation(c.var.registry, result.operationId), 202);
  },
);
