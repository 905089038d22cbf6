import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { acceptedVersions, etagOf, IfMatch, requiredVersions } from "../../http/etag.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import {
  Account,
  AccountPage,
  AccountParams,
  AccountPatch,
  AccountsQuery,
  NewAccount,
} from "./accounts.schema.ts";
import { getAccount, listAccounts } from "./accounts.service.ts";
import {
  createAccount,
  deleteAccount,
  restoreAccount,
  updateAccount,
} from "./accounts.write.service.ts";

const tags = tag("Accounts", "The organisations inside the tenant.");

export const accounts = tenantRouter();

accounts.openapi(
  createRoute({
    ...guarded({ member: true }),
    method: "get",
    path: "/accounts",
    operationId: "listAccounts",
    summary: "List the accounts the caller may see",
    description: "All of them to who rules the tenant, to others those they are in.",
    tags,
    request: { query: AccountsQuery },
    responses: { 200: json(AccountPage, "One page of accounts"), ...tenantErrors() },
  }),
  async (c) => c.json(await listAccounts(c.var.scope, c.req.valid("query")), 200),
);

accounts.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "post",
    path: "/accounts",
    operationId: "createAccount",
    summary: "Create an account with nobody in it",
    tags,
    request: { body: body(NewAccount) },
    responses: {
      201: json(Account, "The account as stored", "ETag", "Location"),
      ...tenantErrors("name_taken", "domain_taken"),
    },
  }),
  async (c) => {
    const account = await createAccount(c.var.scope, c.req.valid("json"));
    c.header("etag", etagOf(c.var.scope.tenant.id, account.version));
    c.header("location", `${c.req.path}/${account.id}`);
    return c.json(account, 201);
  },
);

accounts.openapi(
  createRoute({
    ...guarded({ member: true }),
    method: "get",
    path: "/accounts/{id}",
    operationId: "getAccount",
    summary: "Get an account",
    tags,
    request: { params: AccountParams },
    responses: { 200: json(Account, "The account", "ETag"), ...tenantErrors("not_found") },
  }),
  async (c) => {
    const account = await getAccount(c.var.scope, c.req.valid("param").id);
    c.header("etag", etagOf(c.var.scope.tenant.id, account.version));
    return c.json(account, 200);
  },
);

accounts.openapi(
  createRoute({
    ...guarded({ role: "ADMIN" }),
    method: "patch",
    path: "/accounts/{id}",
    operationId: "updateAccount",
    summary: "Change an account, if it still is what If-Match says",
    description:
      "An ADMIN changes the account they work in; whether it is active is for who rules the tenant.",
    tags,
    request: { params: AccountParams, headers: IfMatch, body: body(AccountPatch) },
    responses: {
      200: json(Account, "The account after the change", "ETag"),
      ...tenantErrors(
        "not_found",
        "name_taken",
        "domain_taken",
        "precondition_failed",
        "precondition_required",
      ),
    },
  }),
  async (c) => {
    const { tenant } = c.var.scope;
    const patch = c.req.valid("json");
    const versions = patch.settings === undefined ? acceptedVersions : requiredVersions;
    const accepted = versions(c.req.header("if-match"), tenant.id);
    const account = await updateAccount(c.var.scope, c.req.valid("param").id, patch, accepted);
    c.header("etag", etagOf(tenant.id, account.version));
    return c.json(account, 200);
  },
);

accounts.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "delete",
    path: "/accounts/{id}",
    operationId: "deleteAccount",
    summary: "Delete an account; an admin of the tenant can restore it",
    tags,
    request: { params: AccountParams, headers: IfMatch },
    responses: {
      204: { description: "The account is gone" },
      ...tenantErrors("not_found", "conflict", "precondition_failed"),
    },
  }),
  async (c) => {
    const accepted = acceptedVersions(c.req.header("if-match"), c.var.scope.tenant.id);
    await deleteAccount(c.var.scope, c.req.valid("param").id, accepted);
    return c.body(null, 204);
  },
);

accounts.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin", callers: ["user", "key"] }),
    method: "post",
    path: "/accounts/{id}/restoration",
    operationId: "restoreAccount",
    summary: "Bring a deleted account back, with the members it had",
    tags,
    request: { params: AccountParams },
    responses: {
      200: json(Account, "The account, living again", "ETag"),
      ...tenantErrors("not_found", "name_taken", "domain_taken"),
    },
  }),
  async (c) => {
    const account = await restoreAccount(c.var.scope, c.req.valid("param").id);
    c.header("etag", etagOf(c.var.scope.tenant.id, account.version));
    return c.json(account, 200);
  },
);
