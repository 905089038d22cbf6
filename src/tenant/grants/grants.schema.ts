import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { text } from "../../core/text.ts";
import { grantModes } from "./grants.table.ts";

export const GrantParams = z.object({ id: idOf("grant") });
export const GrantsQuery = pageQuery(["createdAt"]);
export type GrantsQuery = z.infer<typeof GrantsQuery>;

export const NewGrant = z
  .strictObject({
    reason: text(500, 10).openapi({ example: "Ticket 4711: invoices are missing" }),
    minutes: z
      .int()
      .min(5)
      .max(10_080)
      .default(60)
      .openapi({ description: "How long; a deployment may allow less." }),
    mode: z.enum(grantModes).default("read"),
  })
  .openapi("NewAccessGrant");
export type NewGrant = z.infer<typeof NewGrant>;

const at = z.iso.datetime();
export const AccessGrant = z
  .object({
    id: z.string(),
    operator: z
      .string()
      .openapi({ description: "`issuer|subject` of the platform admin, as the log names them." }),
    email: z.string().nullable(),
    reason: z.string(),
    mode: z
      .enum(grantModes)
      .openapi({ description: "`read` opens nothing that changes anything." }),
    active: z.boolean().openapi({ description: "Whether it lets them in at this moment." }),
    createdAt: at,
    expiresAt: at,
    endedAt: at
      .nullable()
      .openapi({ description: "When somebody ended it; null where time did or will." }),
  })
  .openapi("AccessGrant", {
    description:
      "What lets a platform admin into the tenant. All they change, are refused and look at is in the tenant's audit log, with the reason: what they look at as one line a minute for each path.",
  });
export type AccessGrant = z.infer<typeof AccessGrant>;

export const AccessGrantPage = z
  .object({ data: z.array(AccessGrant), meta: PageMeta })
  .openapi("AccessGrantPage");
