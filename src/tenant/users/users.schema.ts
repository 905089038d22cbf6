import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { accountRoles, tenantRoles } from "../../core/roles.ts";
import { email, imageUrl, text } from "../../core/text.ts";
import { userStatuses } from "./users.table.ts";

const at = z.iso.datetime();

export const UserParams = z.object({
  id: idOf("user"),
});

export const UsersQuery = pageQuery(["createdAt", "updatedAt", "name", "email"]).extend({
  search: text(100).optional().openapi({ description: "Part of a name or e-mail address." }),
  status: z.enum(userStatuses).optional(),
});
export type UsersQuery = z.infer<typeof UsersQuery>;

export const NewUser = z
  .strictObject({
    email,
    name: text(200).openapi({ example: "Ada Lovelace" }),
    profileImage: imageUrl.nullable().default(null),
    role: z.enum(accountRoles).default("VIEWER"),
    accountIds: z.array(idOf("account")).min(1).max(20).optional(),
  })
  .openapi("NewUser", {
    description:
      "Starts `pending`. Without `accountIds` the user joins the caller's account, or the tenant's first.",
  });
export type NewUser = z.infer<typeof NewUser>;

export const UserPatch = z
  .strictObject({
    email: email.optional(),
    name: text(200).optional(),
    profileImage: imageUrl.nullable().optional(),
    status: z.enum(["active", "suspended"]).optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, "changes nothing")
  .openapi("UserPatch", {
    description: "A merge patch (RFC 7396): what is absent stays, null clears.",
    minProperties: 1,
  });
export type UserPatch = z.infer<typeof UserPatch>;

export const MyPatch = z
  .strictObject({ name: text(200).optional(), profileImage: imageUrl.nullable().optional() })
  .refine((patch) => Object.keys(patch).length > 0, "changes nothing")
  .openapi("MyPatch", {
    description: "A merge patch (RFC 7396): what is absent stays, null clears.",
    minProperties: 1,
  });
export type MyPatch = z.infer<typeof MyPatch>;

export const UserSummary = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    profileImage: z.string().nullable(),
    status: z.enum(userStatuses),
    tenantRole: z.enum(tenantRoles),
    version: z.int(),
    createdAt: at,
    updatedAt: at,
  })
  .openapi("UserSummary", { description: "A user as lists show it." });
export type UserSummary = z.infer<typeof UserSummary>;

const UserAccount = z
  .object({ accountId: z.string(), name: z.string(), role: z.enum(accountRoles) })
  .openapi("UserAccount");

export const User = UserSummary.extend({
  createdBy: z.string().nullable(),
  updatedBy: z.string().nullable(),
  accounts: z.array(UserAccount),
}).openapi("User");
export type User = z.infer<typeof User>;

export const UserPage = z
  .object({ data: z.array(UserSummary), meta: PageMeta })
  .openapi("UserPage");
