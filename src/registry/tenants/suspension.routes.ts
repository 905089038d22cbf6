import { createRoute } from "@hono/zod-openapi";
import { identityRouter } from "../../http/context.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { body, json } from "../../http/openapi.ts";
import { AdminTenant, AdminTenantParams } from "./admin.schema.ts";
import { getTenant } from "./admin.service.ts";
import { Suspension } from "./suspension.schema.ts";
import { reactivateTenant, suspendTenant } from "./suspension.service.ts";

const tags = ["Operators"];
const refusals = operatorErrors("not_found", "conflict", "tenant_credentials_unreadable");

export const suspension = identityRouter();

suspension.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/tenants/{id}/suspension",
    operationId: "suspendTenant",
    summary: "Keep a tenant's members out, from the next request on",
    description:
      "Its members are told that it is suspended, nobody else is told anything. Repeat it to give another reason, or to open or close the database.",
    tags,
    request: { params: AdminTenantParams, body: body(Suspension) },
    responses: { 200: json(AdminTenant, "The tenant"), ...refusals },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    await suspendTenant(c.var.ports.openWork(c.var, c.var.registry), id, c.req.valid("json"));
    return c.json(await getTenant(c.var.registry, id), 200);
  },
);

suspension.openapi(
  createRoute({
    ...forOperators(),
    method: "delete",
    path: "/admin/tenants/{id}/suspension",
    operationId: "reactivateTenant",
    summary: "Let a suspended tenant's members in again",
    tags,
    request: { params: AdminTenantParams },
    responses: { 200: json(AdminTenant, "The tenant"), ...refusals },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    await reactivateTenant(c.var.ports.openWork(c.var, c.var.registry), id);
    return c.json(await getTenant(c.var.registry, id), 200);
  },
);
