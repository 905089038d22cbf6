import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { text } from "../../core/text.ts";
import { databaseAccess, tenantStatuses } from "./tenants.table.ts";

export const AdminTenantParams = z.object({ id: idOf("tenant") });

export const AdminTenantsQuery = pageQuery(["createdAt", "name"]).extend({
  search: text(100).optional().openapi({ description: "Part of a name or slug." }),
  status: z.enum(tenantStatuses).optional(),
});
export type AdminTenantsQuery = z.infer<typeof AdminTenantsQuery>;

const featureName = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, "is not the name of a feature");
const featureValue = z.union([z.boolean(), z.number(), z.string().max(200)]);

export const AdminTenantPatch = z
  .strictObject({
    features: z
      .record(featureName, z.union([featureValue, z.null()]))
      .optional()
      .openapi({
        description: "Merged (RFC 7396): null removes. A route asks for the value `true`.",
      }),
    organizationId: z
      .string()
      .regex(/^[\w.:|-]{1,100}$/, "is not the id of an organisation")
      .nullable()
      .optional()
      .openapi({ description: "The provider's organisation whose tokens name this tenant." }),
  })
  .refine((patch) => Object.keys(patch).length > 0, "changes nothing")
  .openapi("AdminTenantPatch", { minProperties: 1 });
export type AdminTenantPatch = z.infer<typeof AdminTenantPatch>;

export const AdminTenant = z
  .object({
    id: z.string(),
    slug: z.string(),
    name: z.string(),
    status: z.enum(tenantStatuses),
    statusReason: z.string().nullable(),
    statusSince: z.iso.datetime().nullable(),
    deleteAfter: z.iso.datetime().nullable(),
    legalHold: z.string().nullable().openapi({ description: "Why nobody deletes it." }),
    databaseAccess: z
      .enum(databaseAccess)
      .openapi({ description: "What the platform lets through." }),
    plan: z.string(),
    region: z.string().nullable(),
    schemaVersion: z.int(),
    features: z.record(z.string(), z.unknown()),
    organizationId: z.string().nullable(),
    version: z.int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi("AdminTenant", {
    description: "A tenant as the operator sees it: where it is, not what is in it.",
  });
export type AdminTenant = z.infer<typeof AdminTenant>;

export const AdminTenantPage = z
  .object({ data: z.array(AdminTenant), meta: PageMeta })
  .openapi("AdminTenantPage");
