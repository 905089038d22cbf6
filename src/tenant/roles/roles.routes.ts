import { createRoute, z } from "@hono/zod-openapi";
import { permissions, permissionsOf } from "../../core/permissions.ts";
import { accountRoles, roleName } from "../../core/roles.ts";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { json, tag } from "../../http/openapi.ts";
import { read } from "../read.ts";

const Role = z
  .object({
    role: z.enum(accountRoles),
    name: z.string(),
    permissions: z.array(z.enum(permissions)),
  })
  .openapi("Role");
const RoleList = z.object({ data: z.array(Role) }).openapi("RoleList");

const catalogue = accountRoles.map((role) => ({
  role,
  name: roleName(role),
  permissions: [...permissionsOf[role]],
}));

export const roles = tenantRouter();

roles.openapi(
  createRoute({
    ...guarded({ member: true }),
    method: "get",
    path: "/roles",
    operationId: "listRoles",
    summary: "The account roles, strongest first, and what each permits",
    tags: tag("Roles", "What people may do in an account."),
    responses: { 200: json(RoleList, "Every role there is"), ...tenantErrors() },
  }),
  async (c) => {
    await read(c.var.scope, []);
    return c.json({ data: catalogue }, 200);
  },
);
