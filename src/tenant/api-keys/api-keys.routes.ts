import { createRoute } from "@hono/zod-openapi";
import type { Access } from "../../core/access.ts";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import {
  ApiKey,
  ApiKeyPage,
  ApiKeyParams,
  ApiKeysQuery,
  IssuedApiKey,
  NewApiKey,
  Rotation,
} from "./api-keys.schema.ts";
import { getApiKey, listApiKeys } from "./api-keys.service.ts";
import { createApiKey, revokeApiKey, rotateApiKey } from "./api-keys.write.service.ts";

const tags = tag("API keys", "Credentials of programs. They act for their owner.");

/** Everybody with a role in an account. A key must not make keys, and a grant must not outlast itself. */
const anyRole = { role: "VIEWER", additionalRoles: ["BILLING", "ANALYTICS"] } as const;
const inPerson: Access = { ...anyRole, callers: ["user"] };
const toEnd: Access = { ...anyRole, callers: ["user", "operator"] };

export const apiKeys = tenantRouter();

apiKeys.openapi(
  createRoute({
    ...guarded(toEnd),
    method: "get",
    path: "/api-keys",
    operationId: "listApiKeys",
    summary: "List your API keys, those of your account, or all",
    tags,
    request: { query: ApiKeysQuery },
    responses: { 200: json(ApiKeyPage, "One page of keys"), ...tenantErrors() },
  }),
  async (c) => c.json(await listApiKeys(c.var.scope, c.req.valid("query")), 200),
);

apiKeys.openapi(
  createRoute({
    ...guarded(inPerson),
    method: "post",
    path: "/api-keys",
    operationId: "createApiKey",
    summary: "Issue an API key, which is shown this once",
    tags,
    request: { body: body(NewApiKey) },
    responses: {
      201: json(IssuedApiKey, "The key", "Location"),
      ...tenantErrors("not_found", "quota_exceeded", "conflict"),
    },
  }),
  async (c) => {
    const key = await createApiKey(c.var.scope, c.req.valid("json"));
    c.header("location", `${c.req.path}/${key.id}`);
    return c.json(key, 201);
  },
);

apiKeys.openapi(
  createRoute({
    ...guarded(toEnd),
    method: "get",
    path: "/api-keys/{id}",
    operationId: "getApiKey",
    summary: "Get an API key: what it may do, and when it was used",
    tags,
    request: { params: ApiKeyParams },
    responses: { 200: json(ApiKey, "The key, without its text"), ...tenantErrors("not_found") },
  }),
  async (c) => c.json(await getApiKey(c.var.scope, c.req.valid("param").id), 200),
);

apiKeys.openapi(
  createRoute({
    ...guarded(toEnd),
    method: "delete",
    path: "/api-keys/{id}",
    operationId: "revokeApiKey",
    summary: "Revoke an API key: its next request is refused",
    tags,
    request: { params: ApiKeyParams },
    responses: { 204: { description: "The key is over" }, ...tenantErrors("not_found") },
  }),
  async (c) => {
    await revokeApiKey(c.var.scope, c.req.valid("param").id);
    return c.body(null, 204);
  },
);

apiKeys.openapi(
  createRoute({
    ...guarded(inPerson),
    method: "post",
    path: "/api-keys/{id}/rotation",
    operationId: "rotateApiKey",
    summary: "Replace an API key, the old one staying good for a while",
    description: "The new key is yours: so the keys of somebody who leaves are taken over.",
    tags,
    request: { params: ApiKeyParams, body: body(Rotation) },
    responses: {
      201: json(IssuedApiKey, "The new key", "Location"),
      ...tenantErrors("not_found", "conflict"),
    },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const key = await rotateApiKey(c.var.scope, id, c.req.valid("json"));
    c.header("location", c.req.path.replace(`${id}/rotation`, key.id));
    return c.json(key, 201);
  },
);
