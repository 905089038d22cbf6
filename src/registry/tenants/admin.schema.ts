import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { jsonObject, maxJsonBytes } from "../../core/json.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { decimal, email, text } from "../../core/text.ts";
import { newNames } from "./tenants.schema.ts";
import { databaseAccess, healthStatuses, tenantStatuses } from "./tenants.table.ts";

export const AdminTenantParams = z.object({ id: idOf("tenant") });

const plan = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, "is not the name of a plan")
  .openapi({ example: "basic" });
const region = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "is not the name of a region")
  .openapi({ example: "fra" });

export const AdminTenantsQuery = pageQuery(["createdAt", "name", "slug"]).extend({
  search: text(100).optional().openapi({ description: "Part of a name or slug, or a whole id." }),
  status: z.enum(tenantStatuses).optional(),
  plan: plan.optional(),
  region: region.optional(),
  schemaVersion: decimal(0, 1_000_000).optional(),
  health: z
    .enum([...healthStatuses, "unknown"])
    .optional()
    .openapi({ description: "As the clock found it; `unknown` before it came by." }),
});
export type AdminTenantsQuery = z.infer<typeof AdminTenantsQuery>;

const featureName = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, "is not the name of a feature");
const featureValue = z.union([z.boolean(), z.number(), z.string().max(200)]);
const limitName = z.string().regex(/^[a-z][A-Za-z0-9_-]{0,63}$/, "is not the name of a limit");
const limitValue = z.int().min(0);
const merged = "Merged (RFC 7396): null removes.";

export const NewTenantForOwner = z
  .strictObject({
    ...newNames,
    plan: plan.optional(),
    region: region
      .optional()
      .openapi({ description: "Where its database is; the platform's first without it." }),
    ownerEmail: email,
    ownerName: text(200).optional().openapi({ example: "Ada Lovelace" }),
  })
  .openapi("NewTenantForOwner", {
    description: "A tenant for somebody else, who gets an invitation to own it by mail.",
  });
export type NewTenantForOwner = z.infer<typeof NewTenantForOwner>;

export const NewFirstOwner = z
  .strictObject({ email, name: text(200).optional().openapi({ example: "Ada Lovelace" }) })
  .openapi("NewFirstOwner");

export const AdminTenantPatch = z
  .strictObject({
    name: newNames.name.optional(),
    plan: plan.optional(),
    features: z
      .record(featureName, z.union([featureValue, z.null()]))
      .optional()
      .openapi({ description: `${merged} A route asks for the value \`true\`.` }),
    limits: z
      .record(limitName, z.union([limitValue, z.null()]))
      .optional()
      .openapi({ description: merged }),
    metadata: jsonObject()
      .optional()
      .openapi({ description: `${merged} Yours alone: at most ${maxJsonBytes} bytes in all.` }),
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

const at = z.iso.datetime();
const Checkup = z
  .object({
    status: z.enum(healthStatuses).nullable(),
    error: z.string().nullable(),
    latencyMs: z.int().nullable(),
    checkedAt: at.nullable(),
  })
  .openapi("TenantCheckup", { description: "What the clock found when it last came by." });

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
    limits: z.record(z.string(), z.number()),
    metadata: z.record(z.string(), z.unknown()),
    organizationId: z.string().nullable(),
    health: Checkup,
    lastBackupAt: at.nullable(),
    tokenExpiresAt: at.nullable(),
    version: z.int(),
    createdAt: at,
    updatedAt: at,
  })
  .openapi("AdminTenant", {
    description: "A tenant as the operator sees it: where it is, not what is in it.",
  });
export type AdminTenant = z.infer<typeof AdminTenant>;

export const AdminTenantPage = z
  .object({ data: z.array(AdminTenant), meta: PageMeta })
  .openapi("AdminTenantPage");

export const TenantHealthReport = z
  .object({
    status: z.enum(healthStatuses),
    reachable: z.boolean(),
    latencyMs: z.int().nullable(),
    schemaVersion: z.int().nullable(),
    schemaIsCurrent: z.boolean().nullable().openapi({
      description: "Whether its schema is the one this release brings.",
    }),
    isOurs: z.boolean().nullable().openapi({
      description: "Whether the database says that it is this tenant's.",
    }),
    error: z.string().nullable(),
    lastCheckup: Checkup,
    lastBackupAt: at.nullable(),
  })
  .openapi("TenantHealthReport", { description: "What the tenant's database answers now." });
export type TenantHealthReport = z.infer<typeof TenantHealthReport>;
