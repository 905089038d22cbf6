import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { body, json } from "../../http/openapi.ts";
import { Deletion } from "./deletion.schema.ts";
import { cancelDeletion, scheduleDeletion } from "./deletion.service.ts";
import { Tenant } from "./identity.schema.ts";

const tags = ["Tenant"];
const owners = { tenantRole: "owner", callers: ["user"], whileDeleting: true } as const;

export const deletion = tenantRouter();

deletion.openapi(
  createRoute({
    ...guarded(owners),
    method: "post",
    path: "/tenant/deletion",
    operationId: "scheduleTenantDeletion",
    summary: "Have the tenant deleted, with all it holds",
    description:
      "It can only be read from now on, and brought back until `deleteAfter`. Then it is destroyed for good.",
    tags,
    request: { body: body(Deletion) },
    responses: {
      200: json(Tenant, "The tenant, to be deleted after `deleteAfter`"),
      ...tenantErrors("conflict"),
    },
  }),
  async (c) => c.json(await scheduleDeletion(c.var.scope, c.req.valid("json")), 200),
);

deletion.openapi(
  createRoute({
    ...guarded(owners),
    method: "delete",
    path: "/tenant/deletion",
    operationId: "cancelTenantDeletion",
    summary: "Bring the tenant back",
    tags,
    responses: { 200: json(Tenant, "The tenant, active"), ...tenantErrors("conflict") },
  }),
  async (c) => c.json(await cancelDeletion(c.var.scope), 200),
);
