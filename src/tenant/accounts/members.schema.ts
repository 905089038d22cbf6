import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { accountRoles } from "../../core/roles.ts";
import { userStatuses } from "../users/users.table.ts";
import { AccountParams } from "./accounts.schema.ts";

export const MemberParams = AccountParams.extend({ userId: idOf("user") });
export type MemberParams = z.infer<typeof MemberParams>;

export const MembersQuery = pageQuery(["createdAt"]);
export type MembersQuery = z.infer<typeof MembersQuery>;

export const NewAccountMember = z
  .strictObject({ userId: idOf("user"), role: z.enum(accountRoles) })
  .openapi("NewAccountMember");
export type NewAccountMember = z.infer<typeof NewAccountMember>;

export const AccountMemberPatch = z
  .strictObject({ role: z.enum(accountRoles) })
  .openapi("AccountMemberPatch");
export type AccountMemberPatch = z.infer<typeof AccountMemberPatch>;

export const AccountMember = z
  .object({
    userId: z.string(),
    name: z.string(),
    email: z.string(),
    status: z.enum(userStatuses),
    role: z.enum(accountRoles),
    version: z.int(),
    createdAt: z.iso.datetime(),
  })
  .openapi("AccountMember", { description: "A user in an account, since when and as what." });
export type AccountMember = z.infer<typeof AccountMember>;

export const AccountMemberPage = z
  .object({ data: z.array(AccountMember), meta: PageMeta })
  .openapi("AccountMemberPage");
