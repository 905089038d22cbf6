import { expect, test } from "vitest";
import { type Access, admission, describeAccess } from "./access.ts";

const cases: [Access, ReturnType<typeof admission>, string][] = [
  [{ member: true }, { tenantRoles: null, roles: null }, "an active user of the tenant"],
  [{ tenantRole: "owner" }, { tenantRoles: ["owner"], roles: null }, "the tenant role owner"],
  [
    { tenantRole: "admin" },
    { tenantRoles: ["owner", "admin"], roles: null },
    "the tenant role admin or owner",
  ],
  [
    { role: "EDITOR" },
    { tenantRoles: null, roles: ["ADMIN", "MANAGER", "EDITOR"] },
    "the role EDITOR or higher",
  ],
  [
    { role: "ADMIN", additionalRoles: ["BILLING", "ANALYTICS"] },
    { tenantRoles: null, roles: ["ADMIN", "BILLING", "ANALYTICS"] },
    "the role ADMIN or higher or BILLING, ANALYTICS",
  ],
  [
    { role: "MANAGER", additionalRoles: [] },
    { tenantRoles: null, roles: ["ADMIN", "MANAGER"] },
    "the role MANAGER or higher",
  ],
  [
    { permission: "VIEW_BILLING" },
    { tenantRoles: null, roles: ["ADMIN", "BILLING"] },
    "the permission VIEW_BILLING",
  ],
];

test.each(cases)("%j admits whom it says and says whom it admits", (access, admits, words) => {
  expect(admission(access)).toEqual(admits);
  expect(describeAccess(access)).toBe(words);
});
