import { type Permission, rolesWithAll, rolesWithAny } from "./permissions.ts";
import { type AccountRole, type LadderRole, rolesFrom, type TenantRole } from "./roles.ts";

/** A person with a token, an API key, or a platform admin under an access grant. */
export const callerKinds = ["user", "key", "operator"] as const;
export type CallerKind = (typeof callerKinds)[number];

/** What a caller must be or hold. `member` is anyone active in the tenant. */
type Demand =
  | { readonly member: true }
  | { readonly tenantRole: Exclude<TenantRole, "member"> }
  | { readonly role: LadderRole; readonly additionalRoles?: readonly AccountRole[] }
  | { readonly permission: Permission }
  | { readonly anyPermission: readonly Permission[] }
  | { readonly allPermissions: readonly Permission[] };

/** What a tenant route demands. One value, declared once per route: SQL enforces it, OpenAPI shows it. */
export type Access = Demand & {
  /** The kinds of callers it is open to; every kind unless said. */
  readonly callers?: readonly CallerKind[];
  /** A feature the tenant must have: its value must be `true`, and nothing like it. */
  readonly feature?: string;
  /** Also while the tenant is being deleted: else it is only to be looked at then. */
  readonly whileDeleting?: true;
};

/** What satisfies a demand; `null` where it asks for nothing of the kind. */
export type Admission = {
  readonly tenantRoles: readonly TenantRole[] | null;
  /** Effective roles in the account. */
  readonly roles: readonly AccountRole[] | null;
  /** What an API key must name among its scopes, beside its owner's role. */
  readonly scopes: { readonly of: readonly Permission[]; readonly all: boolean } | null;
};

export function admission(access: Access): Admission {
  const nothing = { tenantRoles: null, roles: null, scopes: null };
  if ("member" in access) return nothing;
  if ("tenantRole" in access) {
    const tenantRoles: TenantRole[] =
      access.tenantRole === "owner" ? ["owner"] : ["owner", "admin"];
    return { ...nothing, tenantRoles };
  }
  if ("role" in access)
    return { ...nothing, roles: rolesFrom(access.role, access.additionalRoles) };
  if ("anyPermission" in access) {
    const of = access.anyPermission;
    return { ...nothing, roles: rolesWithAny(of), scopes: { of, all: false } };
  }
  const of = "permission" in access ? [access.permission] : access.allPermissions;
  return { ...nothing, roles: rolesWithAll(of), scopes: { of, all: true } };
}

/** Whether a route is open to callers of this kind at all. */
export const isOpenTo = ({ callers = callerKinds }: Access, kind: CallerKind): boolean =>
  callers.includes(kind);

const closedTo: Record<CallerKind, string> = {
  user: "people",
  key: "API keys",
  operator: "platform admins under an access grant",
};

/** For people: what the route needs, in words. */
export function describeAccess(access: Access): string {
  const closed = callerKinds
    .filter((kind) => !isOpenTo(access, kind))
    .map((kind) => closedTo[kind]);
  return [
    describeDemand(access),
    ...(access.feature ? [`where the tenant has the feature ${access.feature}`] : []),
    ...(closed.length > 0 ? [`not for ${closed.join(" or ")}`] : []),
  ].join(", ");
}

function describeDemand(access: Demand): string {
  if ("member" in access) return "an active user of the tenant";
  if ("tenantRole" in access)
    return `the tenant role ${access.tenantRole === "owner" ? "owner" : "admin or owner"}`;
  if ("permission" in access) return `the permission ${access.permission}`;
  if ("anyPermission" in access) return `any of the permissions ${access.anyPermission.join(", ")}`;
  if ("allPermissions" in access) return `the permissions ${access.allPermissions.join(", ")}`;
  const also = access.additionalRoles?.length ? ` or ${access.additionalRoles.join(", ")}` : "";
  return `the role ${access.role} or higher${also}`;
}
