import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { json, tag } from "../../http/openapi.ts";
import { AuditPage, AuditQuery } from "./audit.schema.ts";
import { listAuditLogs } from "./audit.service.ts";

export const audit = tenantRouter();

audit.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/audit-logs",
    operationId: "listAuditLogs",
    summary: "Who changed what, newest first",
    tags: tag("Audit", "What changed in the tenant, and who changed it."),
    request: { query: AuditQuery },
    responses: { 200: json(AuditPage, "One page of changes"), ...tenantErrors() },
  }),
  async (c) => c.json(await listAuditLogs(c.var.scope, c.req.valid("query")), 200),
);
