import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { etagOf, RequiredIfMatch, requiredVersions } from "../../http/etag.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import {
  TenantMember,
  TenantMemberPage,
  TenantMemberParams,
  TenantMemberPatch,
  TenantMembersQuery,
} from "./members.schema.ts";
import {
  changeTenantRole,
  leaveTenant,
  listTenantMembers,
  removeTenantMember,
} from "./members.service.ts";

const tags = tag("Tenant members", "The people of the tenant, and what they are in it.");

/** A right that lasts is not for a platform admin to hand out, whose own ends with a grant. */
const granting = { tenantRole: "admin", callers: ["user", "key"] } as const;

export const tenantMembers = tenantRouter();

tenantMembers.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/tenant/members",
    operationId: "listTenantMembers",
    summary: "List the members of the tenant and their tenant roles",
    tags,
    request: { query: TenantMembersQuery },
    responses: { 200: json(TenantMemberPage, "One page of members"), ...tenantErrors() },
  }),
  async (c) => c.json(await listTenantMembers(c.var.scope, c.req.valid("query")), 200),
);

// Before the route with a parameter in the place of `me`.
tenantMembers.openapi(
  createRoute({
    ...guarded({ member: true, callers: ["user"] }),
    method: "delete",
    path: "/tenant/members/me",
    operationId: "leaveTenant",
    summary: "Leave the tenant; an admin can bring you back",
    tags,
    responses: {
      204: { description: "You are no member any more" },
      ...tenantErrors("last_owner", "not_found"),
    },
  }),
  async (c) => {
    await leaveTenant(c.var.scope);
    return c.body(null, 204);
  },
);

tenantMembers.openapi(
  createRoute({
    ...guarded(granting),
    method: "patch",
    path: "/tenant/members/{userId}",
    operationId: "changeTenantRole",
    summary: "Give a member another tenant role; owners only give or take owner",
    description: "If-Match takes the ETag that `GET /api/v1/users/{id}` gives.",
    tags,
    request: {
      params: TenantMemberParams,
      headers: RequiredIfMatch,
      body: body(TenantMemberPatch),
    },
    responses: {
      200: json(TenantMember, "The member after the change", "ETag"),
      ...tenantErrors("not_found", "last_owner", "precondition_failed", "precondition_required"),
    },
  }),
  async (c) => {
    const { tenant } = c.var.scope;
    const accepted = requiredVersions(c.req.header("if-match"), tenant.id);
    const { userId } = c.req.valid("param");
    const patch = c.req.valid("json");
    const member = await changeTenantRole(c.var.scope, userId, patch, accepted);
    c.header("etag", etagOf(tenant.id, member.version));
    return c.json(member, 200);
  },
);

tenantMembers.openapi(
  createRoute({
    ...guarded(granting),
    method: "delete",
    path: "/tenant/members/{userId}",
    operationId: "removeTenantMember",
    summary: "Remove a member from the tenant; an admin can restore them",
    tags,
    request: { params: TenantMemberParams, headers: RequiredIfMatch },
    responses: {
      204: { description: "The user is no member any more" },
      ...tenantErrors("not_found", "last_owner", "precondition_failed", "precondition_required"),
    },
  }),
  async (c) => {
    const accepted = requiredVersions(c.req.header("if-match"), c.var.scope.tenant.id);
    await removeTenantMember(c.var.scope, c.req.valid("param").userId, accepted);
    return c.body(null, 204);
  },
);
