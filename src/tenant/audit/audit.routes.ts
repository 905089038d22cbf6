import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { ndjson } from "../../http/ndjson.ts";
import { json, lines, tag } from "../../http/openapi.ts";
import { AuditFilter, AuditPage, AuditQuery } from "./audit.schema.ts";
import { listAuditLogs } from "./audit.service.ts";
import { exportAuditLogs } from "./export.service.ts";
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
    path: "/audit-logs/export",
    operationId: "exportAuditLogs",
    summary: "The log as a file, oldest first",
    description:
      "All that the log holds when the request arrives, as the list shows it. A body that breaks off is incomplete: " +
      "ask again, or for less. It may take five minutes.",
    tags,
    request: { query: AuditFilter },
    responses: { 200: lines("AuditLog", "The changes"), ...tenantErrors() },
  }),
  async (c) => {
    const { scope } = c.var;
    const day = new Date(scope.request.now).toISOString().slice(0, 10);
    const name = `audit-logs-${scope.tenant.slug}-${day}.ndjson`;
    return await ndjson(c, name, exportAuditLogs(scope, c.req.valid("query")));
  },
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
