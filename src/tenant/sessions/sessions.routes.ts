import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { json, tag } from "../../http/openapi.ts";
import { UserParams } from "../users/users.schema.ts";
import { SessionPage, SessionParams, SessionsQuery } from "./sessions.schema.ts";
import {
  endAllMySessions,
  endAllSessionsOf,
  endMySession,
  listMySessions,
  listSessionsOf,
  revokeSession,
} from "./sessions.service.ts";

const tags = tag("Sessions", "Where people are signed in, and how to end that.");

export const sessions = tenantRouter();

sessions.openapi(
  createRoute({
    ...guarded({ member: true, callers: ["user"] }),
    method: "get",
    path: "/sessions",
    operationId: "listMySessions",
    summary: "List where you are signed in",
    tags,
    request: { query: SessionsQuery },
    responses: { 200: json(SessionPage, "One page of sessions"), ...tenantErrors() },
  }),
  async (c) => c.json(await listMySessions(c.var.scope, c.req.valid("query")), 200),
);

sessions.openapi(
  createRoute({
    ...guarded({ member: true, callers: ["user"] }),
    method: "delete",
    path: "/sessions",
    operationId: "signOutEverywhere",
    summary: "End every session of yours, this one included",
    tags,
    responses: { 204: { description: "The sessions are over" }, ...tenantErrors("not_found") },
  }),
  async (c) => {
    await endAllMySessions(c.var.scope);
    return c.body(null, 204);
  },
);

sessions.openapi(
  createRoute({
    ...guarded({ member: true, callers: ["user"] }),
    method: "delete",
    path: "/sessions/current",
    operationId: "signOut",
    summary: "Sign out: end the session this request belongs to",
    description: "In this tenant. The provider's own session ends at its `endSession` endpoint.",
    tags,
    responses: { 204: { description: "The session is over" }, ...tenantErrors() },
  }),
  async (c) => {
    await endMySession(c.var.scope);
    return c.body(null, 204);
  },
);

sessions.openapi(
  createRoute({
    ...guarded({ member: true }),
    method: "delete",
    path: "/sessions/{id}",
    operationId: "revokeSession",
    summary: "End a session of yours, or of somebody you may manage",
    tags,
    request: { params: SessionParams },
    responses: { 204: { description: "The session is over" }, ...tenantErrors("not_found") },
  }),
  async (c) => {
    await revokeSession(c.var.scope, c.req.valid("param").id);
    return c.body(null, 204);
  },
);

sessions.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/users/{id}/sessions",
    operationId: "listUserSessions",
    summary: "List where a user is signed in",
    tags,
    request: { params: UserParams, query: SessionsQuery },
    responses: { 200: json(SessionPage, "One page of sessions"), ...tenantErrors("not_found") },
  }),
  async (c) =>
    c.json(await listSessionsOf(c.var.scope, c.req.valid("query"), c.req.valid("param").id), 200),
);

sessions.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "delete",
    path: "/users/{id}/sessions",
    operationId: "revokeUserSessions",
    summary: "End every session of a user",
    tags,
    request: { params: UserParams },
    responses: { 204: { description: "The sessions are over" }, ...tenantErrors("not_found") },
  }),
  async (c) => {
    await endAllSessionsOf(c.var.scope, c.req.valid("param").id);
    return c.body(null, 204);
  },
);
