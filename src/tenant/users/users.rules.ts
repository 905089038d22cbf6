import { type SQL, sql } from "drizzle-orm";
import { accountMembers } from "../accounts/accounts.table.ts";
import { type Rule, stays } from "../rights.ts";
import { userIdentities, users } from "./users.table.ts";

/** What only an owner may do. */
export const owning: Rule = ({ tenantRole }) => sql`${tenantRole} = 'owner'`;

/** Whom a ruler of the tenant may manage: owners everyone, admins everyone but owners. */
export const ruled: Rule = ({ tenantRole }) => sql`(${tenantRole} = 'owner'
  or ${tenantRole} = 'admin' and ${users}.tenant_role <> 'owner')`;

/**
 * And whom the ADMIN of an account: its plain members who are in no other. What ends a user ends them
 * in the whole tenant, and is not for one account to decide over another's people.
 */
export const manageable: Rule = (by) => sql`(${ruled(by)}
  or ${users}.tenant_role = 'member' and exists (select 1 from ${accountMembers} mine
    where mine.user_id = ${users}.id and mine.account_id = ${by.accountId})
  and not exists (select 1 from ${accountMembers} other
    where other.user_id = ${users}.id and other.account_id <> ${by.accountId}))`;

/** Whom one may let in again: whoever suspended them, it is for those who rule the tenant. */
export const readmitted: Rule = (by) => sql`(${ruled(by)} and ${stays(by)})`;

/** Someone else remains who owns the tenant and can sign in. */
export const ownerRemains: SQL = sql`(${users}.tenant_role <> 'owner' or exists (select 1 from ${users} other
  where other.tenant_role = 'owner' and other.status = 'active' and other.deleted_at is null
    and other.id <> ${users}.id and exists (select 1 from ${userIdentities} where user_id = other.id)))`;
