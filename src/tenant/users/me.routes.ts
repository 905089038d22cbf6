import { createRoute } from "@hono/zod-openapi";
import type { Access } from "../../core/access.ts";
import { ApiError, invalidField } from "../../core/error.ts";
import { tenantRouter } from "../../http/context.ts";
import { acceptedVersions, etagOf, IfMatch } from "../../http/etag.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import { isBy } from "../scope.ts";
import {
  LinkedIdentity,
  LinkedIdentityList,
  MyIdentityParams,
  NewLink,
} from "./identities.schema.ts";
import {
  assertMergeable,
  linkIdentity,
  listMyIdentities,
  unlinkMyIdentity,
} from "./identities.service.ts";
import { getMe, updateMe } from "./me.service.ts";
import { Profile, ProfilePatch } from "./profile.schema.ts";
import { getMyProfile, updateMyProfile } from "./profile.service.ts";
import { MyPatch, User } from "./users.schema.ts";

const tags = tag("Me", "The caller as a user of the tenant.");
const self: Access = { member: true, callers: ["user"] };

export const me = tenantRouter();

me.openapi(
  createRoute({
    ...guarded(self),
    method: "get",
    path: "/users/me",
    operationId: "getMyUser",
    summary: "Get yourself as a user of the tenant",
    tags,
    responses: { 200: json(User, "You", "ETag"), ...tenantErrors("not_found") },
  }),
  async (c) => {
    const user = await getMe(c.var.scope);
    c.header("etag", etagOf(c.var.scope.tenant.id, user.version));
    return c.json(user, 200);
  },
);

me.openapi(
  createRoute({
    ...guarded(self),
    method: "patch",
    path: "/users/me",
    operationId: "updateMyUser",
    summary: "Change your name or picture",
    tags,
    request: { headers: IfMatch, body: body(MyPatch) },
    responses: {
      200: json(User, "You after the change", "ETag"),
      ...tenantErrors("not_found", "precondition_failed"),
    },
  }),
  async (c) => {
    const { tenant } = c.var.scope;
    const accepted = acceptedVersions(c.req.header("if-match"), tenant.id);
    const user = await updateMe(c.var.scope, c.req.valid("json"), accepted);
    c.header("etag", etagOf(tenant.id, user.version));
    return c.json(user, 200);
  },
);

me.openapi(
  createRoute({
    ...guarded(self),
    method: "get",
    path: "/users/me/profile",
    operationId: "getMyProfile",
    summary: "Get what you say of yourself",
    tags,
    responses: { 200: json(Profile, "Your profile", "ETag"), ...tenantErrors("not_found") },
  }),
  async (c) => {
    const profile = await getMyProfile(c.var.scope);
    c.header("etag", etagOf(c.var.scope.tenant.id, profile.version));
    return c.json(profile, 200);
  },
);

me.openapi(
  createRoute({
    ...guarded(self),
    method: "patch",
    path: "/users/me/profile",
    operationId: "updateMyProfile",
    summary: "Change what you say of yourself",
    tags,
    request: { headers: IfMatch, body: body(ProfilePatch) },
    responses: {
      200: json(Profile, "Your profile after the change", "ETag"),
      ...tenantErrors("not_found", "precondition_failed"),
    },
  }),
  async (c) => {
    const { tenant } = c.var.scope;
    const accepted = acceptedVersions(c.req.header("if-match"), tenant.id);
    const profile = await updateMyProfile(c.var.scope, c.req.valid("json"), accepted);
    c.header("etag", etagOf(tenant.id, profile.version));
    return c.json(profile, 200);
  },
);

me.openapi(
  createRoute({
    ...guarded(self),
    method: "get",
    path: "/users/me/identities",
    operationId: "listMyIdentities",
    summary: "List the identities that sign in as you",
    tags,
    responses: {
      200: json(LinkedIdentityList, "All of them"),
      ...tenantErrors("not_found"),
    },
  }),
  async (c) => c.json(await listMyIdentities(c.var.scope), 200),
);

me.openapi(
  createRoute({
    ...guarded(self),
    method: "post",
    path: "/users/me/identities",
    operationId: "linkMyIdentity",
    summary: "Link another identity of yours, proved by its token",
    tags,
    request: { body: body(NewLink) },
    responses: {
      201: json(LinkedIdentity, "The identity, which signs in as you from now on"),
      ...tenantErrors(
        "not_found",
        "identity_taken",
        "quota_exceeded",
        "conflict",
        "identity_management_off",
      ),
    },
  }),
  async (c) => {
    const { ports, request, scope } = c.var;
    const { token, merge } = c.req.valid("json");
    const other = await ports.verify(token, request).catch(badToken);
    if (merge) await assertMergeable(scope, other, ports.people);
    const linked = await linkIdentity(scope, other);
    if (merge && isBy(scope, "user")) await ports.people.link(scope.caller.subject, other.subject);
    return c.json(linked, 201);
  },
);

me.openapi(
  createRoute({
    ...guarded(self),
    method: "delete",
    path: "/users/me/identities/{identityId}",
    operationId: "unlinkMyIdentity",
    summary: "Unlink an identity of yours, never the last",
    tags,
    request: { params: MyIdentityParams },
    responses: {
      204: { description: "It signs in as you no more" },
      ...tenantErrors("not_found", "last_identity"),
    },
  }),
  async (c) => {
    await unlinkMyIdentity(c.var.scope, c.req.valid("param").identityId);
    return c.body(null, 204);
  },
);

/** The caller's own token is fine: it is the one they sent along that is not. */
function badToken(error: unknown): never {
  if (!(error instanceof ApiError) || error.code !== "unauthenticated") throw error;
  const message = "is not an acceptable token of this API's provider and audience";
  throw invalidField(`token: ${message}`, { in: "body", path: "token", message });
}
