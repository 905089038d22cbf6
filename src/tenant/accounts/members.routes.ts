import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { etagOf, RequiredIfMatch, requiredVersions } from "../../http/etag.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import { AccountParams } from "./accounts.schema.ts";
import {
  AccountMember,
  AccountMemberPage,
  AccountMemberPatch,
  MemberParams,
  MembersQuery,
  NewAccountMember,
} from "./members.schema.ts";
import { getMember, listMembers } from "./members.service.ts";
import { addMember, changeMember, removeMember } from "./members.write.service.ts";

const tags = tag("Account members", "Who is in an account, and as what.");

/** A right that lasts is not for a platform admin to hand out, whose own ends with a grant. */
const granting = { permission: "MANAGE_TEAM_USERS", callers: ["user", "key"] } as const;

export const members = tenantRouter();

members.openapi(
  createRoute({
    ...guarded({ permission: "VIEW_ALL_USERS" }),
    method: "get",
    path: "/accounts/{id}/members",
    operationId: "listAccountMembers",
    summary: "List the members of an account",
    tags,
    request: { params: AccountParams, query: MembersQuery },
    responses: {
      200: json(AccountMemberPage, "One page of members"),
      ...tenantErrors("not_found"),
    },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await listMembers(c.var.scope, id, c.req.valid("query")), 200);
  },
);

members.openapi(
  createRoute({
    ...guarded(granting),
    method: "post",
    path: "/accounts/{id}/members",
    operationId: "addAccountMember",
    summary: "Take a user into an account, in a role no higher than one's own",
    tags,
    request: { params: AccountParams, body: body(NewAccountMember) },
    responses: {
      201: json(AccountMember, "The member", "ETag", "Location"),
      ...tenantErrors("not_found", "already_member"),
    },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const member = await addMember(c.var.scope, id, c.req.valid("json"));
    c.header("etag", etagOf(c.var.scope.tenant.id, member.version));
    c.header("location", `${c.req.path}/${member.userId}`);
    return c.json(member, 201);
  },
);

members.openapi(
  createRoute({
    ...guarded({ permission: "VIEW_ALL_USERS" }),
    method: "get",
    path: "/accounts/{id}/members/{userId}",
    operationId: "getAccountMember",
    summary: "Get a member of an account",
    tags,
    request: { params: MemberParams },
    responses: { 200: json(AccountMember, "The member", "ETag"), ...tenantErrors("not_found") },
  }),
  async (c) => {
    const member = await getMember(c.var.scope, c.req.valid("param"));
    c.header("etag", etagOf(c.var.scope.tenant.id, member.version));
    return c.json(member, 200);
  },
);

members.openapi(
  createRoute({
    ...guarded(granting),
    method: "patch",
    path: "/accounts/{id}/members/{userId}",
    operationId: "changeAccountMember",
    summary: "Give a member another role, neither of the two above one's own",
    tags,
    request: { params: MemberParams, headers: RequiredIfMatch, body: body(AccountMemberPatch) },
    responses: {
      200: json(AccountMember, "The member after the change", "ETag"),
      ...tenantErrors("not_found", "precondition_failed", "precondition_required"),
    },
  }),
  async (c) => {
    const { tenant } = c.var.scope;
    const accepted = requiredVersions(c.req.header("if-match"), tenant.id);
    const at = c.req.valid("param");
    const member = await changeMember(c.var.scope, at, c.req.valid("json"), accepted);
    c.header("etag", etagOf(tenant.id, member.version));
    return c.json(member, 200);
  },
);

members.openapi(
  createRoute({
    ...guarded({ permission: "MANAGE_TEAM_USERS" }),
    method: "delete",
    path: "/accounts/{id}/members/{userId}",
    operationId: "removeAccountMember",
    summary: "Take a member out of an account, of a role no higher than one's own",
    tags,
    request: { params: MemberParams, headers: RequiredIfMatch },
    responses: {
      204: { description: "The user is no member any more" },
      ...tenantErrors("not_found", "precondition_failed", "precondition_required"),
    },
  }),
  async (c) => {
    const accepted = requiredVersions(c.req.header("if-match"), c.var.scope.tenant.id);
    await removeMember(c.var.scope, c.req.valid("param"), accepted);
    return c.body(null, 204);
  },
);
