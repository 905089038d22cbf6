/** What a user is in a tenant as a whole. */
export const tenantRoles = ["owner", "admin", "member"] as const;
export type TenantRole = (typeof tenantRoles)[number];

const ladder = ["ADMIN", "MANAGER", "EDITOR", "AUTHOR", "VIEWER"] as const;

/** What a user is in one account: a ladder, and two roles beside it that are admitted only by name. */
export const accountRoles = [...ladder, "BILLING", "ANALYTICS"] as const;
export type AccountRole = (typeof accountRoles)[number];
export type LadderRole = (typeof ladder)[number];

export const isLadderRole = (role: AccountRole): role is LadderRole =>
  ladder.some((rung) => rung === role);

/** The roles that satisfy "at least `minimum`, or one of `additional`", strongest first. */
export function rolesFrom(
  minimum: LadderRole,
  additional: readonly AccountRole[] = [],
): AccountRole[] {
  const reach = ladder.indexOf(minimum);
  return accountRoles.filter(
    (role) => ladder.slice(0, reach + 1).some((rung) => rung === role) || additional.includes(role),
  );
}

export const roleName = (role: AccountRole): string => role.charAt(0) + role.slice(1).toLowerCase();
