import { createRoute } from "@hono/zod-openapi";
import { identityRouter } from "../../http/context.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { json } from "../../http/openapi.ts";
import { FindingPage, FindingsQuery } from "./findings.schema.ts";
import { listFindings } from "./findings.service.ts";

export const findings = identityRouter();

findings.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/findings",
    operationId: "listFindings",
    summary: "List what does not add up between registry and database platform",
    description: "Looked for once an hour.",
    tags: ["Operators"],
    request: { query: FindingsQuery },
    responses: { 200: json(FindingPage, "One page of findings"), ...operatorErrors() },
  }),
  async (c) => c.json(await listFindings(c.var.registry, c.req.valid("query")), 200),
);
