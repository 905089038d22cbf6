import { type SQL, sql } from "drizzle-orm";
import { admission, describeAccess } from "../core/access.ts";
import { ApiError } from "../core/error.ts";
import type { AccountRole, TenantRole } from "../core/roles.ts";
import type { Query } from "../db/batch.ts";
import { accountMembers, accounts } from "./accounts/accounts.table.ts";
import { tenantIdentity } from "./identity/identity.table.ts";
import type { TenantScope } from "./scope.ts";
import { userIdentities, users } from "./users/users.table.ts";

/** The caller as the tenant's own database knows them, and whether the route is open to them. */
export type Principal = {
  readonly admitted: 0 | 1;
  readonly tenantId: string;
  readonly tenantStatus: "active" | "suspended";
  /** Set for every identity ever linked, also when its user was deleted since. */
  readonly linkedTo: string | null;
  readonly userId: string | null;
  readonly userStatus: "pending" | "active" | "suspended" | null;
  readonly tenantRole: TenantRole | null;
  readonly accountId: string | null;
  readonly role: AccountRole | null;
};

const oneOf = (column: SQL, values: readonly string[] | null): SQL =>
  values === null ? sql`true` : sql`${column} in ${values}`;

const rulesTenant = sql`u.tenant_role in ('owner', 'admin')`;
const effectiveRole = sql`case when ${rulesTenant} then 'ADMIN' else m.role end`;

/** One row, always: what of the caller, the account and the tenant could be found. */
export function principalOf({ tenant, caller, accountId, access }: TenantScope): SQL {
  const { tenantRoles, roles } = admission(access);
  return sql`select t.tenant_id as tenantId, t.status as tenantStatus, i.user_id as linkedTo,
      u.id as userId, u.status as userStatus, u.tenant_role as tenantRole, a.id as accountId,
      ${effectiveRole} as role,
      coalesce(t.tenant_id = ${tenant.id} and t.status = 'active' and u.status = 'active'
        and (${accountId} is null or a.id is not null and (m.role is not null or ${rulesTenant}))
        and ${oneOf(sql`u.tenant_role`, tenantRoles)}
        and ${oneOf(effectiveRole, roles)}, 0) as admitted
    from ${tenantIdentity} t
    left join ${userIdentities} i on i.issuer = ${caller.issuer} and i.subject = ${caller.subject}
    left join ${users} u on u.id = i.user_id and u.deleted_at is null
    left join ${accounts} a on a.id = ${accountId} and a.deleted_at is null
    left join ${accountMembers} m on m.account_id = a.id and m.user_id = u.id and a.active
    where t.id = 1`;
}

export const principalQuery = (scope: TenantScope) =>
  scope.db.all<Principal>(principalOf(scope)) as unknown as Query & {
    _: { dialect: "sqlite"; result: Principal[] };
  };

/** Says why a principal that is in the tenant is not admitted. Non-members all get one answer. */
export function refusal({ access, accountId }: TenantScope, principal: Principal): ApiError {
  if (principal.userId === null || principal.userStatus === "pending") return stranger();
  if (principal.userStatus === "suspended")
    return new ApiError("user_suspended", "An admin of this tenant suspended you");
  if (principal.tenantStatus === "suspended")
    return new ApiError("tenant_suspended", "This tenant is suspended");
  if (accountId !== null && (principal.accountId === null || principal.role === null))
    return new ApiError("account_forbidden", "No such account, or you are not a member of it");
  const dependsOnAccount = "role" in access || "permission" in access;
  if (dependsOnAccount && accountId === null)
    return new ApiError("account_required", "Name the account you work in: send its account-id");
  return new ApiError("forbidden", `This needs ${describeAccess(access)}`);
}

/** The one answer for tenants that do not exist and tenants that are not the caller's. */
export const stranger = (): ApiError =>
  new ApiError("tenant_forbidden", "No such tenant, or you are not a member of it");
