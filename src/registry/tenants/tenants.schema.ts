import { z } from "@hono/zod-openapi";
import { pageQuery } from "../../core/pagination.ts";
import { tenantRoles } from "../../core/roles.ts";
import { isReservedSlug, slugPattern } from "../../core/slug.ts";
import { text } from "../../core/text.ts";
import { tenantStatuses } from "./tenants.table.ts";

export const newNames = {
  name: text(100).openapi({ example: "Acme Inc." }),
  slug: z
    .string()
    .max(63)
    .regex(slugPattern, "must be lower-case letters, digits and inner hyphens")
    .refine((slug) => !isReservedSlug(slug), "is reserved")
    .openapi({
      description: "Part of host names. The deployment may allow fewer lengths, such as 3 to 50.",
      example: "acme-inc",
    }),
};

export const NewTenant = z.strictObject(newNames).openapi("NewTenant");
export type NewTenant = z.infer<typeof NewTenant>;

export const MyTenant = z
  .object({
    id: z.string(),
    slug: z.string(),
    name: z.string(),
    status: z.enum(tenantStatuses),
    plan: z.string(),
    role: z.enum(tenantRoles),
    createdAt: z.iso.datetime(),
  })
  .openapi("MyTenant", { description: "A tenant of the caller's, and the caller's role in it." });
export type MyTenant = z.infer<typeof MyTenant>;

export const MyTenantsQuery = pageQuery(["createdAt", "name"]);
export type MyTenantsQuery = z.infer<typeof MyTenantsQuery>;

export const RegisteredTenant = z
  .object({
    id: z.string(),
    slug: z.string(),
    name: z.string(),
    status: z.enum(["active"]),
    plan: z.string(),
    defaultAccountId: z.string(),
    ownerId: z.string(),
    createdAt: z.iso.datetime(),
  })
  .openapi("RegisteredTenant", {
    description: "A tenant that is ready: its people can call the API from the next request on.",
  });
export type RegisteredTenant = z.infer<typeof RegisteredTenant>;
