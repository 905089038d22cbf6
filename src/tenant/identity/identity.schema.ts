import { z } from "@hono/zod-openapi";
import { text } from "../../core/text.ts";
import { stampStatuses } from "./identity.table.ts";

export const Tenant = z
  .object({
    id: z.string(),
    slug: z.string(),
    name: z.string(),
    status: z.enum(stampStatuses),
    defaultAccountId: z.string(),
    features: z.array(z.string()).openapi({
      description: "What the platform has switched on; a change may take a minute to show.",
    }),
    deleteAfter: z.iso
      .datetime()
      .nullable()
      .openapi({ description: "Being deleted, it can be brought back until then." }),
    version: z.int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi("Tenant", { description: "The tenant as its own database has it." });
export type Tenant = z.infer<typeof Tenant>;

export const TenantHealth = z
  .object({
    slug: z.string(),
    status: z.enum(["healthy"]),
    latencyMs: z.int(),
    schemaVersion: z.int(),
  })
  .openapi("TenantHealth", {
    description: "What the tenant's database answers now. One that does not answer is a 503.",
  });
export type TenantHealth = z.infer<typeof TenantHealth>;

export const TenantPatch = z.strictObject({ name: text(100) }).openapi("TenantPatch");
export type TenantPatch = z.infer<typeof TenantPatch>;
