import { z } from "@hono/zod-openapi";
import { text } from "../../core/text.ts";
import { databaseAccess } from "./tenants.table.ts";

export const Suspension = z
  .strictObject({
    reason: text(500),
    database: z.enum(databaseAccess).default("readOnly").openapi({
      description:
        "What the platform lets through: all (`open`, which an access grant needs), reads, or nothing.",
    }),
  })
  .openapi("Suspension");
export type Suspension = z.infer<typeof Suspension>;
