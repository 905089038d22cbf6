import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";

export const BackupParams = z.object({ id: idOf("backup") });

export const Backup = z
  .object({
    id: z.string(),
    tenantId: z.string(),
    operationId: z.string(),
    kind: z.enum(["scheduled", "manual"]),
    status: z.enum(["running", "ready", "failed"]),
    takenAt: z.iso.datetime().nullable().openapi({ description: "Of which moment it is." }),
    bytes: z.int().nullable().openapi({ description: "As it is kept, packed." }),
    rows: z.int().nullable(),
    checksum: z.string().nullable().openapi({ description: "SHA-256 of its manifest." }),
    schemaVersion: z.int().nullable(),
    expiresAt: z.iso.datetime(),
    createdAt: z.iso.datetime(),
  })
  .openapi("Backup", { description: "What the tenant's database held at one moment." });
export type Backup = z.infer<typeof Backup>;

export const BackupsQuery = pageQuery(["createdAt"]);
export type BackupsQuery = z.infer<typeof BackupsQuery>;

export const BackupPage = z.object({ data: z.array(Backup), meta: PageMeta }).openapi("BackupPage");
export type BackupPage = z.infer<typeof BackupPage>;
