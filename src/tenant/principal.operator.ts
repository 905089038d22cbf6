import { type SQL, sql } from "drizzle-orm";
import { admission } from "../core/access.ts";
import { callerName, type Operator } from "../core/request.ts";
import { accounts } from "./accounts/accounts.table.ts";
import { accessGrants } from "./grants/grants.table.ts";
import { tenantIdentity } from "./identity/identity.table.ts";
import { isOpen, isOpenFor } from "./principal.sql.ts";
import type { Intent } from "./principal.ts";
import type { TenantScope } from "./scope.ts";

/**
 * A platform admin under a grant that is in this tenant's own database: an admin here, never an owner,
 * for looking only unless the grant says more. A suspended tenant is open to them.
 */
export function principalOfOperator(scope: TenantScope, caller: Operator, intent: Intent): SQL {
  const { tenant, accountId, access, request } = scope;
  const { tenantRoles, roles } = admission(access);
  const demanded =
    (tenantRoles === null || tenantRoles.includes("admin")) &&
    (roles === null || roles.includes("ADMIN"));
  const reachable = sql`(${accountId} is null or a.id is not null)`;
  // A grant to write goes before one to read: the words happen to sort that way.
  const current = sql`select id from ${accessGrants} where issuer = ${caller.issuer}
    and subject = ${caller.subject} and expires_at > ${request.now} and ended_at is null
    order by mode desc, expires_at desc limit 1`;
  return sql`select t.tenant_id as tenantId, t.status as tenantStatus,
      t.held_at is not null as held, g.id as linkedTo,
      g.id is not null as live, iif(g.id is null, null, ${callerName(caller)}) as actorId, null as userId,
      null as userStatus, iif(g.id is null, null, 'admin') as tenantRole, a.id as accountId,
      ${reachable} as reachable,
      iif(g.id is null, null, 'ADMIN') as role, g.reason as reason, g.mode as mode,
      coalesce(t.tenant_id = ${tenant.id} and g.id is not null and ${isOpenFor(intent)} and ${isOpen(scope)}
        and ${demanded ? sql`true` : sql`false`}
        and ${reachable}
        and (${intent} = 'read' or g.mode = 'write'), 0) as admitted
    from ${tenantIdentity} t
    left join ${accessGrants} g on g.id = (${current})
    left join ${accounts} a on a.id = ${accountId} and a.deleted_at is null
    where t.id = 1`;
}
