import { createRoute } from "@hono/zod-openapi";
import { identityRouter } from "../../http/context.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { json } from "../../http/openapi.ts";
import { Operation, OperationPage, OperationParams, OperationsQuery } from "./operations.schema.ts";
import { getAnyOperation, listOperations } from "./operations.service.ts";
import { giveUpOperation, hastenOperation } from "./steer.service.ts";

const tags = ["Operators"];

export const adminOperations = identityRouter();

adminOperations.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/operations",
    operationId: "listOperationsAsOperator",
    summary: "List long jobs: how far they are, and what they wait for",
    tags,
    request: { query: OperationsQuery },
    responses: { 200: json(OperationPage, "One page of operations"), ...operatorErrors() },
  }),
  async (c) => c.json(await listOperations(c.var.registry, c.req.valid("query")), 200),
);

adminOperations.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/operations/{id}",
    operationId: "getOperationAsOperator",
    summary: "Get a long job",
    tags,
    request: { params: OperationParams },
    responses: { 200: json(Operation, "The operation"), ...operatorErrors("not_found") },
  }),
  async (c) => c.json(await getAnyOperation(c.var.registry, c.req.valid("param").id), 200),
);

adminOperations.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/operations/{id}/attempts",
    operationId: "hastenOperation",
    summary: "Have a job that waits after a failure taken up at the next call of the clock",
    tags,
    request: { params: OperationParams },
    responses: {
      202: json(Operation, "It is due"),
      ...operatorErrors("not_found", "conflict"),
    },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    await hastenOperation(c.var.registry, id);
    return c.json(await getAnyOperation(c.var.registry, id), 202);
  },
);

adminOperations.openapi(
  createRoute({
    ...forOperators(),
    method: "delete",
    path: "/admin/operations/{id}",
    operationId: "giveUpOperation",
    summary: "Give a job up and have what it did undone",
    tags,
    request: { params: OperationParams },
    responses: {
      202: json(Operation, "It is being undone"),
      ...operatorErrors("not_found", "conflict"),
    },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    await giveUpOperation(c.var.registry, id);
    return c.json(await getAnyOperation(c.var.registry, id), 202);
  },
);
