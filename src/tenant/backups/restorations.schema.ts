import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";

export const RestorationParams = z.object({ id: idOf("operation") });

export const NewRestoration = z
  .union([
    z.strictObject({ backupId: idOf("backup") }),
    z.strictObject({ at: z.iso.datetime() }).openapi({
      description: "A moment of the past, where the platform keeps earlier states of databases.",
    }),
  ])
  .openapi("NewRestoration");
export type NewRestoration = z.infer<typeof NewRestoration>;

const at = z.iso.datetime();
export const Restoration = z
  .object({
    id: z.string().openapi({ description: "Of the operation that brings it about." }),
    tenantId: z.string(),
    status: z.enum(["pending", "running", "succeeded", "failed"]),
    backupId: z.string().nullable(),
    at: at.nullable(),
    undoes: z.string().nullable().openapi({ description: "The restoration it takes back." }),
    undoableUntil: at.nullable().openapi({
      description: "Until when the database it replaced is kept, and could take its place again.",
    }),
    step: z.string().nullable().openapi({ description: "What it is at." }),
    error: z.string().nullable(),
    createdAt: at,
    finishedAt: at.nullable(),
  })
  .openapi("Restoration", { description: "The tenant as it was, in the place of what it is." });
export type Restoration = z.infer<typeof Restoration>;

export const RestorationsQuery = pageQuery(["createdAt"]);
export type RestorationsQuery = z.infer<typeof RestorationsQuery>;

export const RestorationPage = z
  .object({ data: z.array(Restoration), meta: PageMeta })
  .openapi("RestorationPage");
export type RestorationPage = z.infer<typeof RestorationPage>;
