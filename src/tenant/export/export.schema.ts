import { z } from "@hono/zod-openapi";

export const PersonExport = z
  .object({
    exportedAt: z.iso.datetime(),
    tables: z.record(z.string(), z.array(z.record(z.string(), z.unknown()))).openapi({
      description: "Rows about the person, by table; a thousand of each at most.",
    }),
  })
  .openapi("PersonExport", { description: "What is known of a person, as it is stored." });
export type PersonExport = z.infer<typeof PersonExport>;
