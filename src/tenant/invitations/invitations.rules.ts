import { type SQL, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { type Rights, rules } from "../rights.ts";
import { settings } from "../settings/settings.table.ts";
import { users } from "../users/users.table.ts";
import { invitations } from "./invitations.table.ts";

/** Those who rule the tenant see all, the ADMIN of an account those to it and their own, their key those to it. */
export const within = (by: Rights): SQL =>
  sql`(${rules(by)} or ${invitations.accountId} = ${by.accountId}
    or ${by.kind} = 'user' and ${invitations.inviterId} = ${by.userId})`;

/** Nobody invites, or withdraws an invitation, to more than they are. */
export const grantable = (tenantRole: SQL, by: Rights): SQL =>
  sql`(${tenantRole} = 'member' or ${by.tenantRole} = 'owner'
    or ${by.tenantRole} = 'admin' and ${tenantRole} = 'admin')`;

/** Nobody who has arrived has this address. */
export const isNew = (email: SQL) => sql`not exists (select 1 from ${users} u
  where u.email = ${email} and u.deleted_at is null and u.status <> 'pending')`;

/** The tenant may keep invitations to some domains. */
export const isWelcome = (email: SQL) => sql`not exists (select 1 from ${settings}
  where json_array_length(${settings.value}, '$.emailDomains') > 0 and not exists (
    select 1 from json_each(${settings.value}, '$.emailDomains') d
    where d.value = substr(${email}, instr(${email}, '@') + 1)))`;

/** Whoever answers for it is gone: it is worth nothing any more. */
export const isOrphaned = sql`${invitations.inviterId} is not null and not exists (select 1 from ${users} w
  where w.id = ${invitations.inviterId} and w.deleted_at is null and w.status = 'active')`;

export const unwelcome = () =>
  new ApiError("forbidden", "The tenant's settings allow no invitations to this domain");
