import { expect, test } from "vitest";
import { newTenant } from "../../testing/harness.ts";

test("a created user and its audit rows land together", async () => {
  const acme = await newTenant();
  const created = await acme.owner.call("/api/v1/users", {
    method: "POST",
    body: { name: "Ada", email: "ada@acme.test" },
  });
  expect(created.status).toBe(201);
  expect(created.body).toMatchObject({
    status: "pending",
    version: 1,
    createdBy: acme.owner.userId,
  });
});
