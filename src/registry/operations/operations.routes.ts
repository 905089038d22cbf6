import { createRoute } from "@hono/zod-openapi";
import { identityRouter } from "../../http/context.ts";
import { forIdentity, identityErrors } from "../../http/guard.ts";
import { json, tag } from "../../http/openapi.ts";
import { Operation, OperationParams } from "./operations.schema.ts";
import { getOperation } from "./operations.service.ts";

export const operations = identityRouter();

operations.openapi(
  createRoute({
    ...forIdentity(),
    method: "get",
    path: "/operations/{id}",
    operationId: "getOperation",
    summary: "How far a long job of yours is",
    tags: tag("Operations", "Long jobs and their steps."),
    request: { params: OperationParams },
    responses: { 200: json(Operation, "The operation"), ...identityErrors("not_found") },
  }),
  async (c) => c.json(await getOperation(c.var.registry, c.req.valid("param").id), 200),
);
