import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { acceptedVersions, etagOf, IfMatch } from "../../http/etag.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import { NewUser, User, UserPage, UserParams, UserPatch, UsersQuery } from "./users.schema.ts";
import { getUser, listUsers } from "./users.service.ts";
import { createUser, deleteUser, restoreUser, updateUser } from "./users.write.service.ts";

const tags = tag("Users", "The people of the tenant.");

export const users = tenantRouter();

users.openapi(
  createRoute({
    ...guarded({ permission: "VIEW_ALL_USERS" }),
    method: "get",
    path: "/users",
    operationId: "listUsers",
    summary: "List the users of the tenant",
    tags,
    request: { query: UsersQuery },
    responses: { 200: json(UserPage, "One page of users"), ...tenantErrors() },
  }),
  async (c) => c.json(await listUsers(c.var.scope, c.req.valid("query")), 200),
);

users.openapi(
  createRoute({
    ...guarded({ role: "ADMIN", callers: ["user", "key"] }),
    method: "post",
    path: "/users",
    operationId: "createUser",
    summary: "Create a user, pending until they accept the invitation they are sent",
    tags,
    request: { body: body(NewUser) },
    responses: {
      201: json(User, "The user as stored", "ETag", "Location"),
      ...tenantErrors("not_found", "invitation_pending"),
    },
  }),
  async (c) => {
    const user = await createUser(c.var.scope, c.req.valid("json"));
    c.header("etag", etagOf(c.var.scope.tenant.id, user.version));
    c.header("location", `${c.req.path}/${user.id}`);
    return c.json(user, 201);
  },
);

users.openapi(
  createRoute({
    ...guarded({ permission: "VIEW_ALL_USERS" }),
    method: "get",
    path: "/users/{id}",
    operationId: "getUser",
    summary: "Get a user and the accounts they are in",
    tags,
    request: { params: UserParams },
    responses: { 200: json(User, "The user", "ETag"), ...tenantErrors("not_found") },
  }),
  async (c) => {
    const user = await getUser(c.var.scope, c.req.valid("param").id);
    c.header("etag", etagOf(c.var.scope.tenant.id, user.version));
    return c.json(user, 200);
  },
);

users.openapi(
  createRoute({
    ...guarded({ role: "ADMIN" }),
    method: "patch",
    path: "/users/{id}",
    operationId: "updateUser",
    summary: "Change a user, if they still are what If-Match says",
    tags,
    request: { params: UserParams, headers: IfMatch, body: body(UserPatch) },
    responses: {
      200: json(User, "The user after the change", "ETag"),
      ...tenantErrors("not_found", "last_owner", "precondition_failed"),
    },
  }),
  async (c) => {
    const { tenant } = c.var.scope;
    const accepted = acceptedVersions(c.req.header("if-match"), tenant.id);
    const user = await updateUser(
      c.var.scope,
      c.req.valid("param").id,
      c.req.valid("json"),
      accepted,
    );
    c.header("etag", etagOf(tenant.id, user.version));
    return c.json(user, 200);
  },
);

users.openapi(
  createRoute({
    ...guarded({ role: "ADMIN" }),
    method: "delete",
    path: "/users/{id}",
    operationId: "deleteUser",
    summary: "Delete a user; an admin can restore them",
    tags,
    request: { params: UserParams, headers: IfMatch },
    responses: {
      204: { description: "The user is gone" },
      ...tenantErrors("not_found", "last_owner", "precondition_failed"),
    },
  }),
  async (c) => {
    const accepted = acceptedVersions(c.req.header("if-match"), c.var.scope.tenant.id);
    await deleteUser(c.var.scope, c.req.valid("param").id, accepted);
    return c.body(null, 204);
  },
);

users.openapi(
  createRoute({
    ...guarded({ role: "ADMIN", callers: ["user", "key"] }),
    method: "post",
    path: "/users/{id}/restoration",
    operationId: "restoreUser",
    summary: "Bring a deleted user back",
    tags,
    request: { params: UserParams },
    responses: {
      200: json(User, "The user, living again", "ETag"),
      ...tenantErrors("not_found"),
    },
  }),
  async (c) => {
    const user = await restoreUser(c.var.scope, c.req.valid("param").id);
    c.header("etag", etagOf(c.var.scope.tenant.id, user.version));
    return c.json(user, 200);
  },
);
