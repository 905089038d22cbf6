import { type SQL, sql } from "drizzle-orm";
import { permissionsOf } from "../../core/permissions.ts";
import { accountRoles } from "../../core/roles.ts";
import { type Rights, rules } from "../rights.ts";
import { ruled } from "../users/users.rules.ts";
import { users } from "../users/users.table.ts";
import { apiKeys } from "./api-keys.table.ts";

const held = accountRoles.flatMap((role) => permissionsOf[role].map((one) => `'${role}:${one}'`));

/** Whether the role holds every permission in a JSON list: nobody hands out what they do not have. */
export const covers = (role: SQL, scopes: SQL): SQL =>
  sql`not exists (select 1 from json_each(${scopes}) s
    where coalesce(${role} || ':' || s.value, '') not in (${sql.raw(held.join(", "))}))`;

/** Whose keys one may see and end: one's own, as an ADMIN those of the account, ruling the tenant all. */
export const within = (by: Rights): SQL =>
  sql`(${rules(by)} or ${apiKeys.ownerId} = ${by.userId}
    or ${by.role} = 'ADMIN' and ${apiKeys.accountId} = ${by.accountId})`;

/** And which of them one may replace or end: nobody changes what belongs to who stands higher. */
export const changeable = (by: Rights): SQL =>
  sql`(${apiKeys.ownerId} = ${by.userId} or exists (select 1 from ${users}
    where ${users.id} = ${apiKeys.ownerId} and (${ruled(by)} or ${users}.tenant_role = 'member')))`;
