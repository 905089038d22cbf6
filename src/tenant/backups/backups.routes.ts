import { createRoute } from "@hono/zod-openapi";
import { tenantRouter } from "../../http/context.ts";
import { guarded, tenantErrors } from "../../http/guard.ts";
import { body, json, tag } from "../../http/openapi.ts";
import { Backup, BackupPage, BackupParams, BackupsQuery } from "./backups.schema.ts";
import { archiveToRead, archiveToWrite } from "./backups.service.ts";
import {
  NewRestoration,
  Restoration,
  RestorationPage,
  RestorationParams,
  RestorationsQuery,
} from "./restorations.schema.ts";

const tags = tag("Backups", "What is kept of the tenant, and the tenant as it was.");
const admins = { tenantRole: "admin", callers: ["user", "key"] } as const;
/** What comes back, other people wrote: an owner answers for it, in person. */
const owners = { tenantRole: "owner", callers: ["user"] } as const;

export const backups = tenantRouter();

backups.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/tenant/backups",
    operationId: "listBackups",
    summary: "List the backups that are kept of the tenant",
    tags,
    request: { query: BackupsQuery },
    responses: { 200: json(BackupPage, "One page of backups"), ...tenantErrors() },
  }),
  async (c) => {
    const archive = await archiveToRead(c.var.scope);
    return c.json(await archive.listBackups(c.req.valid("query")), 200);
  },
);

backups.openapi(
  createRoute({
    ...guarded(admins),
    method: "post",
    path: "/tenant/backups",
    operationId: "createBackup",
    summary: "Back the tenant up now",
    tags,
    responses: {
      201: json(Backup, "The backup, ready", "Location"),
      202: json(Backup, "It is being made; see Location", "Location"),
      ...tenantErrors("conflict", "backups_off", "idempotency_mismatch"),
    },
  }),
  async (c) => {
    const archive = await archiveToWrite(c.var.scope);
    const backup = await archive.backUp(c.var.scope.once);
    c.header("location", `/api/v1/tenant/backups/${backup.id}`);
    return c.json(backup, backup.status === "ready" ? 201 : 202);
  },
);

backups.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/tenant/backups/{id}",
    operationId: "getBackup",
    summary: "Get a backup",
    tags,
    request: { params: BackupParams },
    responses: { 200: json(Backup, "The backup"), ...tenantErrors("not_found") },
  }),
  async (c) => {
    const archive = await archiveToRead(c.var.scope);
    return c.json(await archive.getBackup(c.req.valid("param").id), 200);
  },
);

backups.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/tenant/restorations",
    operationId: "listRestorations",
    summary: "List when the tenant was brought back, and from what",
    tags,
    request: { query: RestorationsQuery },
    responses: { 200: json(RestorationPage, "One page of restorations"), ...tenantErrors() },
  }),
  async (c) => {
    const archive = await archiveToRead(c.var.scope);
    return c.json(await archive.listRestorations(c.req.valid("query")), 200);
  },
);

backups.openapi(
  createRoute({
    ...guarded(owners),
    method: "post",
    path: "/tenant/restorations",
    operationId: "restoreTenant",
    summary: "Bring the whole tenant back as a backup has it",
    description:
      "What was written since is gone from view, sign-ins and rights included; the database it replaces is kept for " +
      "some days, and `undo` brings it back. Until the moment of the change everything goes on.",
    tags,
    request: { body: body(NewRestoration) },
    responses: {
      201: json(Restoration, "The tenant is as it was", "Location"),
      202: json(Restoration, "Under way; see Location", "Location"),
      ...tenantErrors("not_found", "conflict", "backups_off", "idempotency_mismatch"),
    },
  }),
  async (c) => {
    const archive = await archiveToWrite(c.var.scope);
    const restoration = await archive.restore(c.req.valid("json"), c.var.scope.once);
    c.header("location", `/api/v1/tenant/restorations/${restoration.id}`);
    return c.json(restoration, restoration.status === "succeeded" ? 201 : 202);
  },
);

backups.openapi(
  createRoute({
    ...guarded({ tenantRole: "admin" }),
    method: "get",
    path: "/tenant/restorations/{id}",
    operationId: "getRestoration",
    summary: "How far a restoration is",
    tags,
    request: { params: RestorationParams },
    responses: { 200: json(Restoration, "The restoration"), ...tenantErrors("not_found") },
  }),
  async (c) => {
    const archive = await archiveToRead(c.var.scope);
    return c.json(await archive.getRestoration(c.req.valid("param").id), 200);
  },
);

backups.openapi(
  createRoute({
    ...guarded(owners),
    method: "post",
    path: "/tenant/restorations/{id}/undo",
    operationId: "undoRestoration",
    summary: "Take a restoration back, while the database it replaced is kept",
    description: "What was written since the restoration is gone from view in its turn.",
    tags,
    request: { params: RestorationParams },
    responses: {
      201: json(Restoration, "The tenant is as it was before the restoration", "Location"),
      202: json(Restoration, "Under way; see Location", "Location"),
      ...tenantErrors("not_found", "conflict", "idempotency_mismatch"),
    },
  }),
  async (c) => {
    const archive = await archiveToWrite(c.var.scope);
    const undone = await archive.undoRestoration(c.req.valid("param").id, c.var.scope.once);
    c.header("location", `/api/v1/tenant/restorations/${undone.id}`);
    return c.json(undone, undone.status === "succeeded" ? 201 : 202);
  },
);
