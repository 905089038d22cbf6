import { expect, test } from "vitest";
import { permissions } from "../../core/permissions.ts";
import { newPerson, newTenant } from "../../testing/harness.ts";

test("every active user may read the seven roles, strongest first, with what each permits", async () => {
  const acme = await newTenant();
  const { status, body } = await (await acme.member()).call("/api/v1/roles");
  expect(status).toBe(200);
  expect(body).toEqual({
    data: [
      { role: "ADMIN", name: "Admin", permissions },
      {
        role: "MANAGER",
        name: "Manager",
        permissions: [
          "MANAGE_TEAM_USERS",
          "VIEW_ALL_USERS",
          "CREATE_CONTENT",
          "EDIT_ALL_CONTENT",
          "PUBLISH_CONTENT",
          "VIEW_CONTENT",
          "VIEW_ANALYTICS",
        ],
      },
      {
        role: "EDITOR",
        name: "Editor",
        permissions: ["CREATE_CONTENT", "EDIT_ALL_CONTENT", "PUBLISH_CONTENT", "VIEW_CONTENT"],
      },
      {
        role: "AUTHOR",
        name: "Author",
        permissions: ["CREATE_CONTENT", "EDIT_OWN_CONTENT", "VIEW_CONTENT"],
      },
      { role: "VIEWER", name: "Viewer", permissions: ["VIEW_CONTENT"] },
      { role: "BILLING", name: "Billing", permissions: ["MANAGE_BILLING", "VIEW_BILLING"] },
      { role: "ANALYTICS", name: "Analytics", permissions: ["VIEW_ANALYTICS"] },
    ],
  });
});

test("the roles are shown to nobody from outside the tenant, though they are no secret", async () => {
  const acme = await newTenant();
  const suspended = await acme.member({ status: "suspended" });
  const headers = { "x-tenant-id": acme.slug };
  const stranger = await newPerson().call("/api/v1/roles", { headers });
  expect([stranger.status, stranger.body["code"]]).toEqual([403, "tenant_forbidden"]);
  const out = await suspended.call("/api/v1/roles");
  expect([out.status, out.body["code"]]).toEqual([403, "user_suspended"]);
});
