import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { findingKinds } from "./findings.table.ts";

export const FindingsQuery = pageQuery(["firstSeenAt"]).extend({
  kind: z.enum(findingKinds).optional(),
  tenantId: idOf("tenant").optional(),
});
export type FindingsQuery = z.infer<typeof FindingsQuery>;

const at = z.iso.datetime();
export const Finding = z
  .object({
    id: z.string(),
    kind: z.enum(findingKinds),
    subject: z.string().openapi({
      description: "The name of a database, or the id of a tenant or an operation.",
    }),
    tenantId: z.string().nullable(),
    detail: z.string(),
    firstSeenAt: at,
    lastSeenAt: at,
    quarantinedAt: at.nullable().openapi({
      description: "Since when the database is closed to everybody, before it is destroyed.",
    }),
  })
  .openapi("Finding", {
    description: "What does not add up between registry and platform. Gone once it does.",
  });
export type Finding = z.infer<typeof Finding>;

export const FindingPage = z
  .object({ data: z.array(Finding), meta: PageMeta })
  .openapi("FindingPage");
