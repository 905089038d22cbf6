import { expect, test } from "vitest";
import { permissions, permissionsOf, rolesWith } from "./permissions.ts";
import { accountRoles } from "./roles.ts";

/** Columns: ADMIN MANAGER EDITOR AUTHOR VIEWER BILLING ANALYTICS. */
const matrix = {
  MANAGE_SYSTEM_SETTINGS: "x......",
  MANAGE_ALL_USERS: "x......",
  MANAGE_TEAM_USERS: "xx.....",
  VIEW_ALL_USERS: "xx.....",
  CREATE_CONTENT: "xxxx...",
  EDIT_ALL_CONTENT: "xxx....",
  EDIT_OWN_CONTENT: "x..x...",
  DELETE_CONTENT: "x......",
  PUBLISH_CONTENT: "xxx....",
  VIEW_CONTENT: "xxxxx..",
  VIEW_ANALYTICS: "xx....x",
  MANAGE_BILLING: "x....x.",
  VIEW_BILLING: "x....x.",
} as const;

test("the matrix of thirteen permissions and seven roles is exactly this one", () => {
  const held = Object.fromEntries(
    permissions.map((permission) => [
      permission,
      accountRoles.map((role) => (permissionsOf[role].includes(permission) ? "x" : ".")).join(""),
    ]),
  );
  expect(held).toEqual(matrix);
});

test("a permission is held by exactly the roles its column names", () => {
  for (const permission of permissions)
    expect(rolesWith(permission), permission).toEqual(
      accountRoles.filter((_, i) => matrix[permission][i] === "x"),
    );
});

test("no role lists a permission twice", () => {
  for (const role of accountRoles)
    expect(new Set(permissionsOf[role]).size, role).toBe(permissionsOf[role].length);
});
