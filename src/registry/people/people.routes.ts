import { createRoute, z } from "@hono/zod-openapi";
import { identityRouter } from "../../http/context.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { setBlocked } from "./people.service.ts";

const tags = ["Operators"];
const SubjectParams = z.object({
  subject: z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, "is not the subject of an identity")
    .openapi({
      description: "As tokens have it, such as `auth0|…`.",
      example: "auth0|0123456789abcdef",
    }),
});

export const people = identityRouter();

people.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/identities/{subject}/suspension",
    operationId: "blockIdentity",
    summary: "Block somebody at the identity provider, for all tenants",
    description: "Tokens they have stay good until they expire: suspend them in their tenants too.",
    tags,
    request: { params: SubjectParams },
    responses: {
      204: { description: "Nobody can sign in as them any more" },
      ...operatorErrors("not_found", "identity_management_off"),
    },
  }),
  async (c) => {
    await setBlocked(c.var.registry, c.var.ports.people, c.req.valid("param").subject, true);
    return c.body(null, 204);
  },
);

people.openapi(
  createRoute({
    ...forOperators(),
    method: "delete",
    path: "/admin/identities/{subject}/suspension",
    operationId: "unblockIdentity",
    summary: "Let somebody sign in at the identity provider again",
    tags,
    request: { params: SubjectParams },
    responses: {
      204: { description: "They can sign in again" },
      ...operatorErrors("not_found", "identity_management_off"),
    },
  }),
  async (c) => {
    await setBlocked(c.var.registry, c.var.ports.people, c.req.valid("param").subject, false);
    return c.body(null, 204);
  },
);
