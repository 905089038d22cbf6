import { createRoute } from "@hono/zod-openapi";
import { identityRouter } from "../../http/context.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { json } from "../../http/openapi.ts";
import { AuditPage, AuditQuery } from "../../tenant/audit/audit.schema.ts";
import { listRegistryLogs } from "./audit.service.ts";

export const registryAudit = identityRouter();

registryAudit.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/audit-logs",
    operationId: "listAuditLogsAsOperator",
    summary:
      "List what was changed in the registry: tenants, their index of members, platform admins",
    tags: ["Operators"],
    request: { query: AuditQuery },
    responses: { 200: json(AuditPage, "One page of the registry's log"), ...operatorErrors() },
  }),
  async (c) => c.json(await listRegistryLogs(c.var.registry, c.req.valid("query")), 200),
);
