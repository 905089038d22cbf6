import { type SQL, sql } from "drizzle-orm";
import { type Access, admission } from "../core/access.ts";
import { type Permission, permissions, permissionsOf, rolesWithAll } from "../core/permissions.ts";
import type { ApiKey } from "../core/request.ts";
import { accountRoles } from "../core/roles.ts";
import { accountMembers, accounts } from "./accounts/accounts.table.ts";
import { apiKeys } from "./api-keys/api-keys.table.ts";
import { tenantIdentity } from "./identity/identity.table.ts";
import { effectiveRole, isOpen, isOpenFor, isUp, oneOf, rulesTenant } from "./principal.sql.ts";
import type { Intent } from "./principal.ts";
import type { TenantScope } from "./scope.ts";
import { users } from "./users/users.table.ts";

/**
 * An API key: what its owner may do at this moment, and of that no more than its scopes name. It works
 * in its own account, or, made for the whole tenant, in any its owner may work in.
 */
export function principalOfKey(scope: TenantScope, caller: ApiKey, intent: Intent): SQL {
  const { tenant, accountId, access, request } = scope;
  const live = sql`k.revoked_at is null and (k.expires_at is null or k.expires_at > ${request.now})
    and u.status = 'active'`;
  // No account at all, or one that the key may work in, and its owner too.
  const elsewhere = sql`k.account_id is not null and ${accountId} is not null and k.account_id <> ${accountId}`;
  return sql`select tenantId, tenantStatus, held, linkedTo, live, linkedTo as actorId, userId, userStatus,
      tenantRole, accountId, reachable, role, null as reason, null as mode,
      coalesce(tenantId = ${tenant.id} and ${isUp(scope, intent, sql`tenantStatus`)} and unheld and live and ${isOpen(scope)} and reachable
        and ${demandOf(access)}, 0) as admitted
    from (select t.tenant_id as tenantId, t.status as tenantStatus,
        t.held_at is not null as held, ${isOpenFor(intent)} as unheld, k.id as linkedTo, ${live} as live,
        u.id as userId, u.status as userStatus, k.scopes as scopes, a.id as accountId,
        (coalesce(k.account_id, ${accountId}) is null
          or (not (${elsewhere}) and a.id is not null and (m.role is not null or ${rulesTenant}))) as reachable,
        case when k.account_id is null and ${holds(permissions)} then u.tenant_role else 'member' end as tenantRole,
        ${effectiveRole} as ownerRole, ${roleOf} as role
      from ${tenantIdentity} t
      left join ${apiKeys} k on k.hash = ${caller.hash}
      left join ${users} u on u.id = k.owner_id and u.deleted_at is null
      left join ${accounts} a on a.id = coalesce(k.account_id, ${accountId}) and a.deleted_at is null
      left join ${accountMembers} m on m.account_id = a.id and m.user_id = u.id and a.active
      where t.id = 1)`;
}

const list = (values: readonly string[]) => sql.raw(values.map((value) => `'${value}'`).join(", "));

/** Among the key's scopes are all of these. */
const holds = (wanted: readonly Permission[]): SQL =>
  sql`(select count(*) from json_each(k.scopes) where value in (${list(wanted)})) = ${sql.raw(`${wanted.length}`)}`;

/** The strongest role that neither the owner's own nor the scopes fall short of. */
const roleOf: SQL = sql`case ${sql.join(
  accountRoles.map((role) => {
    const wanted = permissionsOf[role];
    const stronger = list(rolesWithAll(wanted));
    return sql`when ${effectiveRole} in (${stronger}) and ${holds(wanted)} then ${sql.raw(`'${role}'`)}`;
  }),
  sql` `,
)} end`;

function demandOf(access: Access): SQL {
  const { tenantRoles, roles, scopes } = admission(access);
  if (!scopes) return sql`${oneOf(sql`tenantRole`, tenantRoles)} and ${oneOf(sql`role`, roles)}`;
  const named = sql`(select count(*) from json_each(scopes) where value in ${scopes.of})`;
  return sql`${oneOf(sql`ownerRole`, roles)} and ${named} >= ${scopes.all ? scopes.of.length : 1}`;
}
