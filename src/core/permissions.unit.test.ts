import { expect, test } from "vitest";
import {
  has,
  hasAll,
  hasAny,
  permissions,
  permissionsOf,
  rolesThatGrant,
  rolesWithAll,
  rolesWithAny,
} from "./permissions.ts";
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
const rolesOf = (row: string) => accountRoles.filter((_, i) => row[i] === "x");

test("the matrix of thirteen permissions and seven roles is exactly this one", () => {
  const held = Object.fromEntries(
    permissions.map((permission) => [
      permission,
      accountRoles.map((role) => (has(role, permission) ? "x" : ".")).join(""),
    ]),
  );
  expect(held).toEqual(matrix);
});

test("a permission is held by exactly the roles its column names", () => {
  for (const permission of permissions) {
    expect(rolesWithAll([permission]), permission).toEqual(rolesOf(matrix[permission]));
    expect(rolesWithAny([permission]), permission).toEqual(rolesOf(matrix[permission]));
  }
});

test("any and all of every two permissions are what the matrix says of each", () => {
  for (const role of accountRoles)
    for (const one of permissions)
      for (const two of permissions) {
        const [first, second] = [has(role, one), has(role, two)];
        expect(hasAny(role, [one, two]), `${role}: ${one} or ${two}`).toBe(first || second);
        expect(hasAll(role, [one, two]), `${role}: ${one} and ${two}`).toBe(first && second);
      }
});

test("of no permission nobody has any, and everybody has all", () => {
  expect(rolesWithAny([])).toEqual([]);
  expect(rolesWithAll([])).toEqual(accountRoles);
});

test("no role lists a permission twice", () => {
  for (const role of accountRoles)
    expect(new Set(permissionsOf[role]).size, role).toBe(permissionsOf[role].length);
});

test("a role is handed out only by those who hold no less", () => {
  const granted = Object.fromEntries(
    accountRoles.map((role) => [
      role,
      accountRoles.map((by) => (rolesThatGrant(role).includes(by) ? "x" : ".")).join(""),
    ]),
  );
  expect(granted).toEqual({
    ADMIN: "x......",
    MANAGER: "xx.....",
    EDITOR: "xxx....",
    AUTHOR: "xxxx...",
    VIEWER: "xxxxx..",
    BILLING: "x....x.",
    ANALYTICS: "xx....x",
  });
});
