import { z } from "@hono/zod-openapi";
import { text } from "../../core/text.ts";

export const Deletion = z
  .strictObject({
    slug: text(63).openapi({ description: "The tenant's slug, typed once more." }),
    reason: text(500).optional(),
  })
  .openapi("TenantDeletion");
export type Deletion = z.infer<typeof Deletion>;
