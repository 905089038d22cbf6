import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { tenantRoles } from "../../core/roles.ts";
import { userStatuses } from "./users.table.ts";

export const TenantMemberParams = z.object({ userId: idOf("user") });

export const TenantMembersQuery = pageQuery(["createdAt"]).extend({
  tenantRole: z.enum(tenantRoles).optional(),
});
export type TenantMembersQuery = z.infer<typeof TenantMembersQuery>;

export const TenantMemberPatch = z
  .strictObject({ tenantRole: z.enum(tenantRoles) })
  .openapi("TenantMemberPatch");
export type TenantMemberPatch = z.infer<typeof TenantMemberPatch>;

export const TenantMember = z
  .object({
    userId: z.string(),
    name: z.string(),
    email: z.string(),
    status: z.enum(userStatuses),
    tenantRole: z.enum(tenantRoles),
    version: z.int(),
    createdAt: z.iso.datetime(),
  })
  .openapi("TenantMember", {
    description: "A user as the member of the tenant; `version` and ETag are the user's.",
  });
export type TenantMember = z.infer<typeof TenantMember>;

export const TenantMemberPage = z
  .object({ data: z.array(TenantMember), meta: PageMeta })
  .openapi("TenantMemberPage");
