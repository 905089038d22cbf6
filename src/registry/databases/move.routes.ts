import { createRoute, z } from "@hono/zod-openapi";
import { ApiError } from "../../core/error.ts";
import { idOf } from "../../core/id.ts";
import { text } from "../../core/text.ts";
import { identityRouter } from "../../http/context.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { body, json } from "../../http/openapi.ts";
import { assertRegion } from "../../platform/platform.ts";
import { Operation } from "../operations/operations.schema.ts";
import { getAnyOperation } from "../operations/operations.service.ts";
import { startOperation } from "../operations/start.service.ts";
import { beginMove } from "../restorations/begin.service.ts";

const patienceMs = 2500;
const TenantParams = z.object({ id: idOf("tenant") });
const NewMove = z
  .strictObject({
    region: text(100).optional().openapi({
      description: "One of the platform's. Without it a new database where the old one is.",
      example: undefined,
    }),
  })
  .openapi("NewMove");

export const adminMoves = identityRouter();

adminMoves.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/tenants/{id}/moves",
    operationId: "moveTenant",
    summary: "Move a tenant's database to another region",
    description: "While it is copied the tenant can be read, and writes are told to come back.",
    tags: ["Operators"],
    request: { params: TenantParams, body: body(NewMove) },
    responses: {
      201: json(Operation, "The tenant has moved", "Location"),
      202: json(Operation, "Under way; see Location", "Location"),
      ...operatorErrors("not_found", "conflict"),
    },
  }),
  async (c) => {
    const { ports, registry, identity } = c.var;
    const { id: tenantId } = c.req.valid("param");
    const { region } = c.req.valid("json");
    if (!(await ports.findTenant(registry, tenantId)))
      throw new ApiError("not_found", "No such tenant");
    const work = ports.openWork(c.var, { actor: registry.actor });
    assertRegion(work.platform, region);
    const { issuer, subject } = identity;
    const asking = registry.once ? { ...work, once: registry.once } : work;
    const asked = { tenantId, by: { issuer, subject } };
    const id = await beginMove(asking, asked, region === undefined ? {} : { region });
    await startOperation(work, id, patienceMs);
    const operation = await getAnyOperation(registry, id);
    c.header("location", `/api/v1/admin/operations/${id}`);
    return c.json(operation, operation.status === "succeeded" ? 201 : 202);
  },
);
