import { type SQL, sql } from "drizzle-orm";
import { accountMembers } from "../accounts/accounts.table.ts";
import { users } from "./users.table.ts";

type Rights = { readonly tenantRole: SQL; readonly accountId: SQL };

/** The caller's rights as the guard of the running batch proved them. */
export const proved: Rights = {
  tenantRole: sql`(select tenant_role from audit_context)`,
  accountId: sql`(select account_id from audit_context)`,
};

/** Whom a ruler of the tenant may manage: owners everyone, admins everyone but owners. */
export const ruled = ({ tenantRole }: Rights): SQL => sql`(${tenantRole} = 'owner'
  or ${tenantRole} = 'admin' and ${users}.tenant_role <> 'owner')`;

/**
 * And whom the ADMIN of an account: its plain members who are in no other. What ends a user ends them
 * in the whole tenant, and is not for one account to decide over another's people.
 */
export const manageable = (by: Rights): SQL => sql`(${ruled(by)}
  or ${users}.tenant_role = 'member' and exists (select 1 from ${accountMembers} mine
    where mine.user_id = ${users}.id and mine.account_id = ${by.accountId})
  and not exists (select 1 from ${accountMembers} other
    where other.user_id = ${users}.id and other.account_id <> ${by.accountId}))`;

export type Rule = (by: Rights) => SQL;

/** Someone else remains who owns the tenant and can sign in. */
export const ownerRemains: SQL = sql`(${users}.tenant_role <> 'owner' or exists (select 1 from ${users} other
  where other.tenant_role = 'owner' and other.status = 'active' and other.deleted_at is null
    and other.id <> ${users}.id))`;
