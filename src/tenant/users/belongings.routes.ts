import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { json } from "../../http/openapi.ts";
import { IdentityParams, LinkedIdentityList } from "./identities.schema.ts";
import { listIdentities, unlinkIdentity } from "./identities.service.ts";
import { Profile } from "./profile.schema.ts";
import { getProfile } from "./profile.service.ts";
import { UserParams } from "./users.schema.ts";

const tags = ["Users"];

/** What belongs to a user, for others than themselves. */
export const belongings = tenantRouter();

belongings.openapi(
  createRoute({
    ...guarded({ permission: "VIEW_ALL_USERS" }),
    method: "get",
    path: "/users/{id}/profile",
    operationId: "getUserProfile",
    summary: "Get what a user says of themselves",
    tags,
    request: { params: UserParams },
    responses: { 200: json(Profile, "The profile"), ...tenantErrors("not_found") },
  }),
  async (c) => c.json(await getProfile(c.var.scope, c.req.valid("param").id), 200),
);

belongings.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/users/{id}/identities",
    operationId: "listUserIdentities",
    summary: "List the identities that sign in as a user",
    tags,
    request: { params: UserParams },
    responses: { 200: json(LinkedIdentityList, "All of them"), ...tenantErrors("not_found") },
  }),
  async (c) => c.json(await listIdentities(c.var.scope, c.req.valid("param").id), 200),
);

belongings.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin", callers: ["user", "key"] }),
    method: "delete",
    path: "/users/{id}/identities/{identityId}",
    operationId: "unlinkUserIdentity",
    summary: "Unlink an identity of a user, never the last",
    tags,
    request: { params: IdentityParams },
    responses: {
      204: { description: "It signs in as the user no more" },
      ...tenantErrors("not_found", "last_identity"),
    },
  }),
  async (c) => {
    const { id, identityId } = c.req.valid("param");
    await unlinkIdentity(c.var.scope, id, identityId);
    return c.body(null, 204);
  },
);
