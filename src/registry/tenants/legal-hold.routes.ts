import { createRoute, z } from "@hono/zod-openapi";
import { text } from "../../core/text.ts";
import { identityRouter } from "../../http/context.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { body, json } from "../../http/openapi.ts";
import { AdminTenant, AdminTenantParams } from "./admin.schema.ts";
import { getTenant } from "./admin.service.ts";
import { saveStatus, statusOf } from "./suspension.service.ts";

const tags = ["Operators"];
const LegalHold = z.strictObject({ reason: text(500) }).openapi("LegalHold");
const refusals = operatorErrors("not_found", "conflict");
const kept = ["active", "suspended", "deleting"] as const;

export const legalHold = identityRouter();

legalHold.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/tenants/{id}/legal-hold",
    operationId: "holdTenant",
    summary: "Keep a tenant from being deleted, whatever its owner asks for",
    description: "Its owner is told that it is held, and not why. A purge that has begun goes on.",
    tags,
    request: { params: AdminTenantParams, body: body(LegalHold) },
    responses: { 200: json(AdminTenant, "The tenant"), ...refusals },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const { registry } = c.var;
    const tenant = await statusOf(registry, id, kept);
    await saveStatus(registry, tenant, { legalHold: c.req.valid("json").reason });
    return c.json(await getTenant(registry, id), 200);
  },
);

legalHold.openapi(
  createRoute({
    ...forOperators(),
    method: "delete",
    path: "/admin/tenants/{id}/legal-hold",
    operationId: "releaseTenant",
    summary: "Let a tenant be deleted again",
    tags,
    request: { params: AdminTenantParams },
    responses: { 200: json(AdminTenant, "The tenant"), ...refusals },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const { registry } = c.var;
    const tenant = await statusOf(registry, id, kept);
    await saveStatus(registry, tenant, { legalHold: null });
    return c.json(await getTenant(registry, id), 200);
  },
);
