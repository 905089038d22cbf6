import { type AccountRole, accountRoles } from "./roles.ts";

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

export const rolesWith = (permission: Permission): AccountRole[] =>
  accountRoles.filter((role) => permissionsOf[role].includes(permission));
