import { type SQL, sql } from "drizzle-orm";
import { rolesThatGrant } from "../../core/permissions.ts";
import { accountRoles } from "../../core/roles.ts";
import { asking, type Rights, type Rule, rules } from "../rights.ts";
import { isBy, type TenantScope } from "../scope.ts";
import { accountMembers, accounts } from "./accounts.table.ts";

/** Who rules the tenant works in every account of it, others in the one that was proved to be theirs. */
export const workable: Rule = (by) =>
  sql`(${rules(by)} or coalesce(${accounts}.id = ${by.accountId}, false))`;

/**
 * What a caller may know of: who rules the tenant all accounts, a person those they are in, and a key
 * the one it works in, whatever else its owner is in.
 */
export function visible(scope: TenantScope): SQL {
  const by = asking(scope);
  const theirs = isBy(scope, "key")
    ? sql`${accounts}.id = ${by.accountId}`
    : sql`exists (select 1 from ${accountMembers} own
        where own.account_id = ${accounts}.id and own.user_id = ${by.userId})`;
  return sql`(${rules(by)} or ${theirs})`;
}

/** Each role with every role that may hand it out. */
const grants = sql.raw(
  accountRoles
    .flatMap((role) => rolesThatGrant(role).map((by) => `('${role}', '${by}')`))
    .join(", "),
);

/**
 * Nobody grants above what they hold, nor takes away what they could not have granted. Who rules the
 * tenant is an ADMIN in every account; a key whose scopes cover no role grants nothing.
 */
export const grantable = (role: SQL, by: Rights): SQL =>
  sql`coalesce((${role}, ${by.role}) in (values ${grants}), false)`;

/**
 * Whom one may place in an account. Who is in none belongs to the tenant alone: in the hands of one
 * account they would be its ADMIN's to suspend and delete.
 */
export const approachable = (userId: SQL, by: Rights): SQL =>
  sql`(${rules(by)} or exists (select 1 from ${accountMembers} own where own.user_id = ${userId}))`;
