import { expect, test } from "vitest";
import { type Access, admission, callerKinds, describeAccess, isOpenTo } from "./access.ts";

const nothing = { tenantRoles: null, roles: null, scopes: null };
const cases: [Access, ReturnType<typeof admission>, string][] = [
  [{ member: true }, nothing, "an active user of the tenant"],
  [{ tenantRole: "owner" }, { ...nothing, tenantRoles: ["owner"] }, "the tenant role owner"],
  [
    { tenantRole: "admin" },
    { ...nothing, tenantRoles: ["owner", "admin"] },
    "the tenant role admin or owner",
  ],
  [
    { role: "EDITOR" },
    { ...nothing, roles: ["ADMIN", "MANAGER", "EDITOR"] },
    "the role EDITOR or higher",
  ],
  [
    { role: "ADMIN", additionalRoles: ["BILLING", "ANALYTICS"] },
    { ...nothing, roles: ["ADMIN", "BILLING", "ANALYTICS"] },
    "the role ADMIN or higher or BILLING, ANALYTICS",
  ],
  [
    { role: "MANAGER", additionalRoles: [] },
    { ...nothing, roles: ["ADMIN", "MANAGER"] },
    "the role MANAGER or higher",
  ],
  [
    { permission: "VIEW_BILLING" },
    { ...nothing, roles: ["ADMIN", "BILLING"], scopes: { of: ["VIEW_BILLING"], all: true } },
    "the permission VIEW_BILLING",
  ],
  [
    { anyPermission: ["VIEW_BILLING", "VIEW_ANALYTICS"] },
    {
      ...nothing,
      roles: ["ADMIN", "MANAGER", "BILLING", "ANALYTICS"],
      scopes: { of: ["VIEW_BILLING", "VIEW_ANALYTICS"], all: false },
    },
    "any of the permissions VIEW_BILLING, VIEW_ANALYTICS",
  ],
  [
    { allPermissions: ["VIEW_ANALYTICS", "VIEW_CONTENT"] },
    {
      ...nothing,
      roles: ["ADMIN", "MANAGER"],
      scopes: { of: ["VIEW_ANALYTICS", "VIEW_CONTENT"], all: true },
    },
    "the permissions VIEW_ANALYTICS, VIEW_CONTENT",
  ],
  [
    { member: true, callers: ["user"], feature: "reports" },
    nothing,
    "an active user of the tenant, where the tenant has the feature reports, not for API keys or platform admins under an access grant",
  ],
];

test.each(cases)("%j admits whom it says and says whom it admits", (access, admits, words) => {
  expect(admission(access)).toEqual(admits);
  expect(describeAccess(access)).toBe(words);
});

test("a route is open to every kind of caller unless it names those it is for", () => {
  const open = (access: Access) => callerKinds.filter((kind) => isOpenTo(access, kind));
  expect(open({ member: true })).toEqual(callerKinds);
  expect(open({ member: true, callers: ["user", "key"] })).toEqual(["user", "key"]);
  expect(open({ member: true, callers: [] })).toEqual([]);
});
