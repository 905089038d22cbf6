import { type SQL, sql } from "drizzle-orm";
import { admission } from "../core/access.ts";
import type { Identity } from "../core/request.ts";
import { accountMembers, accounts } from "./accounts/accounts.table.ts";
import { tenantIdentity } from "./identity/identity.table.ts";
import { effectiveRole, isOpen, isOpenFor, isUp, oneOf, rulesTenant } from "./principal.sql.ts";
import type { Intent } from "./principal.ts";
import type { TenantScope } from "./scope.ts";
import { userSessions } from "./sessions/sessions.table.ts";
import { userIdentities, users } from "./users/users.table.ts";

/** A person: the token's identity leads to a user, and its session must not have been revoked. */
export function principalOfUser(scope: TenantScope, caller: Identity, intent: Intent): SQL {
  const { tenant, accountId, access } = scope;
  const { tenantRoles, roles } = admission(access);
  const live = sql`(s.revoked_at is null and coalesce(u.signed_out_at, 0) <= ${caller.issuedAt})`;
  const reachable = sql`(${accountId} is null or a.id is not null and (m.role is not null or ${rulesTenant}))`;
  return sql`select t.tenant_id as tenantId, t.status as tenantStatus,
      t.held_at is not null as held, i.user_id as linkedTo,
      ${live} as live, u.id as actorId, u.id as userId, u.status as userStatus,
      u.tenant_role as tenantRole, a.id as accountId, ${reachable} as reachable,
      ${effectiveRole} as role, null as reason, null as mode,
      coalesce(t.tenant_id = ${tenant.id} and ${isUp(scope, intent, sql`t.status`)} and ${isOpenFor(intent)} and u.status = 'active'
        and ${live} and ${isOpen(scope)}
        and ${reachable}
        and ${oneOf(sql`u.tenant_role`, tenantRoles)}
        and ${oneOf(effectiveRole, roles)}, 0) as admitted
    from ${tenantIdentity} t
    left join ${userIdentities} i on i.issuer = ${caller.issuer} and i.subject = ${caller.subject}
    left join ${users} u on u.id = i.user_id and u.deleted_at is null
    left join ${userSessions} s on s.user_id = u.id and s.sid = ${caller.sid}
    left join ${accounts} a on a.id = ${accountId} and a.deleted_at is null
    left join ${accountMembers} m on m.account_id = a.id and m.user_id = u.id and a.active
    where t.id = 1`;
}
