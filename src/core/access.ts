import { type Permission, rolesWith } from "./permissions.ts";
import { type AccountRole, type LadderRole, rolesFrom, type TenantRole } from "./roles.ts";

/**
 * What a tenant route demands of its caller. One value, declared once per route: SQL enforces it,
 * OpenAPI shows it. `member` is anyone active in the tenant.
 */
export type Access =
  | { readonly member: true }
  | { readonly tenantRole: Exclude<TenantRole, "member"> }
  | { readonly role: LadderRole; readonly additionalRoles?: readonly AccountRole[] }
  | { readonly permission: Permission };

/** The roles that satisfy `access`: tenant roles alone, or effective roles, or everyone (`null`). */
export type Admission = {
  readonly tenantRoles: readonly TenantRole[] | null;
  readonly roles: readonly AccountRole[] | null;
};

export function admission(access: Access): Admission {
  if ("member" in access) return { tenantRoles: null, roles: null };
  if ("tenantRole" in access) {
    const tenantRoles = access.tenantRole === "owner" ? ["owner"] : ["owner", "admin"];
    return { tenantRoles: tenantRoles as TenantRole[], roles: null };
  }
  const roles =
    "role" in access
      ? rolesFrom(access.role, access.additionalRoles)
      : rolesWith(access.permission);
  return { tenantRoles: null, roles };
}

/** For people: what the route needs, in words. */
export function describeAccess(access: Access): string {
  if ("member" in access) return "an active user of the tenant";
  if ("tenantRole" in access)
    return `the tenant role ${access.tenantRole === "owner" ? "owner" : "admin or owner"}`;
  if ("permission" in access) return `the permission ${access.permission}`;
  const also = access.additionalRoles?.length ? ` or ${access.additionalRoles.join(", ")}` : "";
  return `the role ${access.role} or higher${also}`;
}
