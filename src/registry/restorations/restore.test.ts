import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseNameOf } from "../../platform/platform.ts";
import { backUp, ledgerFor, openBucket, openJob, restore } from "../../testing/archive.ts";
import { newTenant } from "../../testing/harness.ts";
import { placeUsers } from "../../testing/rows.ts";

let bucket: Awaited<ReturnType<typeof openBucket>>;
beforeAll(async () => {
  bucket = await openBucket();
});
afterAll(() => bucket.close());

test("a tenant comes back as its backup has it, for Workers that have cached where it was", async () => {
  const tenant = await newTenant();
  const { owner } = tenant;
  await placeUsers(tenant.db, [{ name: "Kept" }]);
  await owner.call("/api/v1/users");
  const scope = openJob(bucket.bucket);
  const backup = await backUp(scope, tenant);
  expect(backup).toMatchObject({ status: "ready", kind: "manual" });
  await placeUsers(tenant.db, [{ name: "Lost" }]);
  const restored = await restore(scope, tenant, backup.id);
  expect(restored).toMatchObject({ status: "succeeded", error: null });
  const { body } = await owner.call<{ data: { name: string }[] }>("/api/v1/users");
  expect(body.data.map(({ name }) => name).sort()).toEqual(["Kept", "Test Person"]);
  const renamed = await owner.call("/api/v1/tenant", {
    method: "PATCH",
    body: { name: "Again" },
    headers: { "if-match": "*" },
  });
  expect(renamed.status).toBe(200);
  expect(await ledgerFor(tenant)).toEqual([
    { name: databaseNameOf(tenant.id), state: "former" },
    { name: databaseNameOf(tenant.id, backup.operationId), state: "gone" },
    { name: databaseNameOf(tenant.id, restored.id), state: "current" },
  ]);
});
