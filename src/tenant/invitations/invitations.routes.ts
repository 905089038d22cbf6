import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import {
  Invitation,
  InvitationPage,
  InvitationParams,
  InvitationsQuery,
  NewInvitation,
} from "./invitations.schema.ts";
import { getInvitation, listInvitations } from "./invitations.service.ts";
import {
  createInvitation,
  resendInvitation,
  revokeInvitation,
} from "./invitations.write.service.ts";

const tags = tag("Invitations", "How people come to belong to the tenant.");

/** A platform admin's grant must not let anybody else in. */
const inviting = { role: "ADMIN", callers: ["user", "key"] } as const;

export const invitations = tenantRouter();

invitations.openapi(
  createRoute({
    ...guarded({ role: "ADMIN" }),
    method: "get",
    path: "/invitations",
    operationId: "listInvitations",
    summary: "List the invitations, newest first",
    tags,
    request: { query: InvitationsQuery },
    responses: { 200: json(InvitationPage, "One page of invitations"), ...tenantErrors() },
  }),
  async (c) => c.json(await listInvitations(c.var.scope, c.req.valid("query")), 200),
);

invitations.openapi(
  createRoute({
    ...guarded(inviting),
    method: "post",
    path: "/invitations",
    operationId: "createInvitation",
    summary: "Invite an e-mail address into the tenant",
    tags,
    request: { body: body(NewInvitation) },
    responses: {
      201: json(Invitation, "The invitation; its mail is on the way", "Location"),
      ...tenantErrors("not_found", "already_member", "invitation_pending"),
    },
  }),
  async (c) => {
    const invitation = await createInvitation(c.var.scope, c.req.valid("json"));
    c.header("location", `${c.req.path}/${invitation.id}`);
    return c.json(invitation, 201);
  },
);

invitations.openapi(
  createRoute({
    ...guarded({ role: "ADMIN" }),
    method: "get",
    path: "/invitations/{id}",
    operationId: "getInvitation",
    summary: "Get an invitation",
    tags,
    request: { params: InvitationParams },
    responses: { 200: json(Invitation, "The invitation"), ...tenantErrors("not_found") },
  }),
  async (c) => c.json(await getInvitation(c.var.scope, c.req.valid("param").id), 200),
);

invitations.openapi(
  createRoute({
    ...guarded(inviting),
    method: "post",
    path: "/invitations/{id}/resend",
    operationId: "resendInvitation",
    summary: "Send a new link with a new expiry; the old link is dead",
    tags,
    request: { params: InvitationParams },
    responses: {
      200: json(Invitation, "The invitation; its mail is on the way"),
      ...tenantErrors(
        "not_found",
        "invitation_used",
        "conflict",
        "already_member",
        "invitation_pending",
      ),
    },
  }),
  async (c) => c.json(await resendInvitation(c.var.scope, c.req.valid("param").id), 200),
);

invitations.openapi(
  createRoute({
    ...guarded({ role: "ADMIN" }),
    method: "delete",
    path: "/invitations/{id}",
    operationId: "revokeInvitation",
    summary: "Withdraw an invitation",
    tags,
    request: { params: InvitationParams },
    responses: {
      204: { description: "The link is dead" },
      ...tenantErrors("not_found", "invitation_used", "conflict"),
    },
  }),
  async (c) => {
    await revokeInvitation(c.var.scope, c.req.valid("param").id);
    return c.body(null, 204);
  },
);
