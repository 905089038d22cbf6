import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { json, tag } from "../../http/openapi.ts";
import { AuditPage, AuditQuery } from "./audit.schema.ts";
import { listAuditLogs } from "./audit.service.ts";
import { AuditVerification, VerificationQuery } from "./verification.schema.ts";
import { verifyAuditLog } from "./verify.service.ts";

const tags = tag("Audit", "What changed in the tenant, and who changed it.");

export const audit = tenantRouter();

audit.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/audit-logs",
    operationId: "listAuditLogs",
    summary: "Who changed what, newest first",
    tags,
    request: { query: AuditQuery },
    responses: { 200: json(AuditPage, "One page of changes"), ...tenantErrors() },
  }),
  async (c) => c.json(await listAuditLogs(c.var.scope, c.req.valid("query")), 200),
);

audit.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/audit-logs/verification",
    operationId: "verifyAuditLog",
    summary: "Whether the log is as it was sealed",
    description:
      "Goes as far as one request may and names the first row that is not. What comes after a broken one is judged by sending its `sequence` as `from`.",
    tags,
    request: { query: VerificationQuery },
    responses: { 200: json(AuditVerification, "What was found"), ...tenantErrors() },
  }),
  async (c) => c.json(await verifyAuditLog(c.var.scope, c.req.valid("query").from), 200),
);
