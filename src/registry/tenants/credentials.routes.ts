import { createRoute } from "@hono/zod-openapi";
import { identityRouter } from "../../http/context.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { json } from "../../http/openapi.ts";
import { Operation } from "../operations/operations.schema.ts";
import { getAnyOperation } from "../operations/operations.service.ts";
import { workOf } from "../work.ts";
import { AdminTenantParams } from "./admin.schema.ts";
import { CredentialsReport } from "./credentials.schema.ts";
import { reportCredentials } from "./credentials.service.ts";
import { rotateCredentials } from "./rotate.service.ts";

const tags = ["Operators"];

export const credentials = identityRouter();

credentials.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/credentials",
    operationId: "getCredentialsReport",
    summary: "Which keys seal how many tenants' tokens, and when the first token expires",
    tags,
    responses: { 200: json(CredentialsReport, "The keys"), ...operatorErrors() },
  }),
  async (c) => c.json(await reportCredentials(workOf(c)), 200),
);

credentials.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/tenants/{id}/credentials",
    operationId: "rotateTenantCredentials",
    summary: "Give a tenant's database a new token, and end the old ones where the platform can",
    description: "No request fails meanwhile: whoever is refused looks the new token up.",
    tags,
    request: { params: AdminTenantParams },
    responses: {
      202: json(Operation, "It has begun; see Location", "Location"),
      ...operatorErrors("not_found", "conflict"),
    },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const operationId = await rotateCredentials(workOf(c), id);
    c.header("location", `/api/v1/admin/operations/${operationId}`);
    return c.json(await getAnyOperation(c.var.registry, operationId), 202);
  },
);
