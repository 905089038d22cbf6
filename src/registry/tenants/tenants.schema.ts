import { z } from "@hono/zod-openapi";
import { pageQuery } from "../../core/pagination.ts";
import { tenantRoles } from "../../core/roles.ts";
import { isReservedSlug, slugPattern } from "../../core/slug.ts";
import { text } from "../../core/text.ts";
import { tenantStatuses } from "./tenants.table.ts";

/** The deployment may narrow the slug's length further: see `TENANT_SLUG_MIN_LENGTH`. */
export const NewTenant = z
  .strictObject({
    name: text(100).openapi({ example: "Acme Inc." }),
    slug: z
      .string()
      .max(63)
      .regex(slugPattern, "must be lower-case letters, digits and inner hyphens")
      .refine((slug) => !isReservedSlug(slug), "is reserved")
      .openapi({ example: "acme-inc" }),
  })
  .openapi("NewTenant");
export type NewTenant = z.infer<typeof NewTenant>;

/** A tenant as the registry lists it, with what the caller is in it. */
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
  .openapi("MyTenant");
export type MyTenant = z.infer<typeof MyTenant>;

export const MyTenantsQuery = pageQuery(["createdAt", "name"]);
export type MyTenantsQuery = z.infer<typeof MyTenantsQuery>;

/** A tenant that is ready: its people can call the API from the next request on. */
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
  .openapi("RegisteredTenant");
export type RegisteredTenant = z.infer<typeof RegisteredTenant>;
