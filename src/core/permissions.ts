import { type AccountRole, accountRoles, isLadderRole, rolesFrom } from "./roles.ts";

export const permissions = [
  "MANAGE_SYSTEM_SETTINGS",
  "MANAGE_ALL_USERS",
  "MANAGE_TEAM_USERS",
  "VIEW_ALL_USERS",
  "CREATE_CONTENT",
  "EDIT_ALL_CONTENT",
  "EDIT_OWN_CONTENT",
  "DELETE_CONTENT",
  "PUBLISH_CONTENT",
  "VIEW_CONTENT",
  "VIEW_ANALYTICS",
  "MANAGE_BILLING",
  "VIEW_BILLING",
] as const;
export type Permission = (typeof permissions)[number];

/** Exhaustive by type: a role without a line here does not compile, and holds nothing it is not given. */
export const permissionsOf: Readonly<Record<AccountRole, readonly Permission[]>> = {
  ADMIN: permissions,
  MANAGER: [
    "MANAGE_TEAM_USERS",
    "VIEW_ALL_USERS",
    "CREATE_CONTENT",
    "EDIT_ALL_CONTENT",
    "PUBLISH_CONTENT",
    "VIEW_CONTENT",
    "VIEW_ANALYTICS",
  ],
  EDITOR: ["CREATE_CONTENT", "EDIT_ALL_CONTENT", "PUBLISH_CONTENT", "VIEW_CONTENT"],
  AUTHOR: ["CREATE_CONTENT", "EDIT_OWN_CONTENT", "VIEW_CONTENT"],
  VIEWER: ["VIEW_CONTENT"],
  BILLING: ["MANAGE_BILLING", "VIEW_BILLING"],
  ANALYTICS: ["VIEW_ANALYTICS"],
};

export const has = (role: AccountRole, permission: Permission): boolean =>
  permissionsOf[role].includes(permission);

/** Of no permissions at all, nobody has any. */
export const hasAny = (role: AccountRole, wanted: readonly Permission[]): boolean =>
  wanted.some((permission) => has(role, permission));

/** Of no permissions at all, everybody has all. */
export const hasAll = (role: AccountRole, wanted: readonly Permission[]): boolean =>
  wanted.every((permission) => has(role, permission));

/** The roles that hold every one of these permissions, strongest first. */
export const rolesWithAll = (wanted: readonly Permission[]): AccountRole[] =>
  accountRoles.filter((role) => hasAll(role, wanted));

/** The roles that hold at least one of these permissions, strongest first. */
export const rolesWithAny = (wanted: readonly Permission[]): AccountRole[] =>
  accountRoles.filter((role) => hasAny(role, wanted));

/** Who may hand a role out: nobody grants above what they hold. The ladder counts by its rungs. */
export const rolesThatGrant = (role: AccountRole): AccountRole[] =>
  isLadderRole(role) ? rolesFrom(role) : rolesWithAll(permissionsOf[role]);
