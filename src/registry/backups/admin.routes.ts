import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ApiError } from "../../core/error.ts";
import { idOf } from "../../core/id.ts";
import { type IdentityEnv, identityRouter } from "../../http/context.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { body, json } from "../../http/openapi.ts";
import type { Archive } from "../../tenant/backups/archive.ts";
import { Backup, BackupPage, BackupsQuery } from "../../tenant/backups/backups.schema.ts";
import {
  NewRestoration,
  Restoration,
  RestorationPage,
  RestorationsQuery,
} from "../../tenant/backups/restorations.schema.ts";

const tags = ["Operators"];
const TenantParams = z.object({ id: idOf("tenant") });
const RestorationOfParams = TenantParams.extend({ restorationId: idOf("operation") });

export const adminBackups = identityRouter();

adminBackups.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/tenants/{id}/backups",
    operationId: "listBackupsAsOperator",
    summary: "List the backups that are kept of a tenant",
    tags,
    request: { params: TenantParams, query: BackupsQuery },
    responses: { 200: json(BackupPage, "One page of backups"), ...operatorErrors("not_found") },
  }),
  async (c) => {
    const archive = await archiveOf(c, c.req.valid("param").id);
    return c.json(await archive.listBackups(c.req.valid("query")), 200);
  },
);

adminBackups.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/tenants/{id}/backups",
    operationId: "createBackupAsOperator",
    summary: "Back a tenant up now",
    tags,
    request: { params: TenantParams },
    responses: {
      201: json(Backup, "The backup, ready", "Location"),
      202: json(Backup, "It is being made; see Location", "Location"),
      ...operatorErrors("not_found", "conflict", "backups_off"),
    },
  }),
  async (c) => {
    const archive = await archiveOf(c, c.req.valid("param").id);
    const backup = await archive.backUp(c.var.registry.once);
    c.header("location", `/api/v1/admin/operations/${backup.operationId}`);
    return c.json(backup, backup.status === "ready" ? 201 : 202);
  },
);

adminBackups.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/tenants/{id}/restorations",
    operationId: "listRestorationsAsOperator",
    summary: "List when a tenant was brought back, and from what",
    tags,
    request: { params: TenantParams, query: RestorationsQuery },
    responses: {
      200: json(RestorationPage, "One page of restorations"),
      ...operatorErrors("not_found"),
    },
  }),
  async (c) => {
    const archive = await archiveOf(c, c.req.valid("param").id);
    return c.json(await archive.listRestorations(c.req.valid("query")), 200);
  },
);

adminBackups.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/tenants/{id}/restorations",
    operationId: "restoreTenantAsOperator",
    summary: "Bring a tenant back as a backup has it",
    tags,
    request: { params: TenantParams, body: body(NewRestoration) },
    responses: {
      201: json(Restoration, "The tenant is as it was", "Location"),
      202: json(Restoration, "Under way; see Location", "Location"),
      ...operatorErrors("not_found", "conflict", "backups_off"),
    },
  }),
  async (c) => {
    const archive = await archiveOf(c, c.req.valid("param").id);
    const restoration = await archive.restore(c.req.valid("json"), c.var.registry.once);
    c.header("location", `/api/v1/admin/operations/${restoration.id}`);
    return c.json(restoration, restoration.status === "succeeded" ? 201 : 202);
  },
);

adminBackups.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/tenants/{id}/restorations/{restorationId}/undo",
    operationId: "undoRestorationAsOperator",
    summary: "Take a restoration back, while the database it replaced is kept",
    tags,
    request: { params: RestorationOfParams },
    responses: {
      201: json(Restoration, "The tenant is as it was before the restoration", "Location"),
      202: json(Restoration, "Under way; see Location", "Location"),
      ...operatorErrors("not_found", "conflict"),
    },
  }),
  async (c) => {
    const { id, restorationId } = c.req.valid("param");
    const archive = await archiveOf(c, id);
    const undone = await archive.undoRestoration(restorationId, c.var.registry.once);
    c.header("location", `/api/v1/admin/operations/${undone.id}`);
    return c.json(undone, undone.status === "succeeded" ? 201 : 202);
  },
);

const NewImport = z
  .strictObject({
    object: z
      .string()
      .regex(/^imports\/[\w.-]{1,200}$/, "must be the key of an object below imports/")
      .openapi({ example: "imports/acme.ndjson" }),
  })
  .openapi("NewImport");

adminBackups.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/tenants/{id}/imports",
    operationId: "importTenant",
    summary: "Make a backup of an export that lies in the bucket",
    description:
      "Of this tenant or of another one. Restoring it is what brings the data in: keys, invitations and sessions as " +
      "a record only, since what makes them work is not in an export.",
    tags,
    request: { params: TenantParams, body: body(NewImport) },
    responses: {
      201: json(Backup, "The backup, ready to be restored", "Location"),
      202: json(Backup, "It is being made, or failed; see Location", "Location"),
      ...operatorErrors("not_found", "conflict", "backups_off"),
    },
  }),
  async (c) => {
    const archive = await archiveOf(c, c.req.valid("param").id);
    const backup = await archive.takeIn(c.req.valid("json").object, c.var.registry.once);
    c.header("location", `/api/v1/admin/operations/${backup.operationId}`);
    return c.json(backup, backup.status === "ready" ? 201 : 202);
  },
);

/** What is kept of a tenant that is set up. */
async function archiveOf(c: Context<IdentityEnv>, id: string): Promise<Archive> {
  const { ports, registry, identity } = c.var;
  if (!(await ports.findTenant(registry, id))) throw new ApiError("not_found", "No such tenant");
  const work = ports.openWork(c.var, { actor: registry.actor });
  return ports.archive(work, id, identity);
}
