import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { ndjson } from "../../http/ndjson.ts";
import { json, lines } from "../../http/openapi.ts";
import { UserParams } from "../users/users.schema.ts";
import { eraseUser } from "./erasure.service.ts";
import { PersonExport } from "./export.schema.ts";
import { exportTenant } from "./export.service.ts";
import { exportMyself, exportPerson } from "./person.service.ts";

const tags = ["Backups"];

export const exports = tenantRouter();

exports.openapi(
  createRoute({
    ...guarded({ tenantRole: "owner" }),
    method: "get",
    path: "/tenant/export",
    operationId: "exportTenant",
    summary: "All of the tenant's data as a file",
    description:
      "A line that says whose it is, one for each row, and a last one with the number of rows of each table and a " +
      "SHA-256 chained over them. Without that line the file is incomplete. What would let somebody in is not in it.",
    tags,
    responses: { 200: lines("object", "The data"), ...tenantErrors() },
  }),
  async (c) => {
    const { scope } = c.var;
    const day = new Date(scope.request.now).toISOString().slice(0, 10);
    return await ndjson(c, `${scope.tenant.slug}-${day}.ndjson`, exportTenant(scope));
  },
);

exports.openapi(
  createRoute({
    ...guarded({ member: true, callers: ["user"] }),
    method: "get",
    path: "/users/me/export",
    operationId: "exportMyself",
    summary: "What is known of you",
    tags,
    responses: { 200: json(PersonExport, "As it is stored"), ...tenantErrors("not_found") },
  }),
  async (c) => c.json(await exportMyself(c.var.scope), 200),
);

exports.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/users/{id}/export",
    operationId: "exportPerson",
    summary: "What is known of a person, deleted or not",
    tags,
    request: { params: UserParams },
    responses: { 200: json(PersonExport, "As it is stored"), ...tenantErrors("not_found") },
  }),
  async (c) => c.json(await exportPerson(c.var.scope, c.req.valid("param").id), 200),
);

exports.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin", callers: ["user", "key"] }),
    method: "post",
    path: "/users/{id}/erasure",
    operationId: "eraseUser",
    summary: "Erase a person for good: nobody brings them back",
    description:
      "Their name, address and picture are overwritten; profile, identities, sessions, keys, memberships and " +
      "invitations are removed. The audit log keeps what it has: it cannot be changed.",
    tags,
    request: { params: UserParams },
    responses: {
      204: { description: "Nothing personal is left outside the log" },
      ...tenantErrors("not_found", "last_owner"),
    },
  }),
  async (c) => {
    await eraseUser(c.var.scope, c.req.valid("param").id);
    return c.body(null, 204);
  },
);
