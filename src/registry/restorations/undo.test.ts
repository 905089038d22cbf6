import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseNameOf } from "../../platform/platform.ts";
import {
  askForUndo,
  backUp,
  finish,
  ledgerFor,
  openBucket,
  openJob,
  restore,
} from "../../testing/archive.ts";
import { openNow } from "../../testing/databases.ts";
import { newTenant, registry } from "../../testing/harness.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
import { placeUsers } from "../../testing/rows.ts";
import { headOf, newSeenTenant, seal, verify } from "../../testing/sealing.ts";
import { deleteFormerDatabases } from "../databases/former.service.ts";

let bucket: Awaited<ReturnType<typeof openBucket>>;
beforeAll(async () => {
  bucket = await openBucket();
});
afterAll(() => bucket.close());

const namesIn = async ({ owner }: { owner: Awaited<ReturnType<typeof newTenant>>["owner"] }) => {
  const { status, body } = await owner.call<{ data: { name: string }[] }>("/api/v1/users");
  expect(status).toBe(200);
  return body.data.map(({ name }) => name).sort();
};
const rename = ({ owner }: Pick<Awaited<ReturnType<typeof newTenant>>, "owner">, name: string) =>
  owner.call("/api/v1/tenant", { method: "PATCH", body: { name }, headers: { "if-match": "*" } });

test("a restoration taken back leaves the tenant, its log and its seal as if it had never been", async () => {
  const tenant = await newSeenTenant();
  const scope = openJob(bucket.bucket);
  await seal(tenant);
  const backup = await backUp(scope, tenant);
  await placeUsers(tenant.db, [{ name: "Later" }]);
  const before = await seal(tenant);
  const restored = await restore(scope, tenant, backup.id);
  expect(await namesIn(tenant)).toEqual(["Test Person"]);
  expect((await headOf(tenant))?.sequence).toBeLessThan(before.sequence);

  const undo = await askForUndo(scope, tenant, restored.id);
  await finish(scope, undo);
  expect(await namesIn(tenant)).toEqual(["Later", "Test Person"]);
  expect((await rename(tenant, "Goes on")).status).toBe(200);
  expect(await headOf(tenant)).toMatchObject({ sequence: before.sequence, mac: before.mac });
  expect(await verify(tenant.owner)).toMatchObject({ status: "intact" });
  expect(await ledgerFor(tenant)).toEqual([
    { name: databaseNameOf(tenant.id), state: "current" },
    { name: databaseNameOf(tenant.id, backup.operationId), state: "gone" },
    { name: databaseNameOf(tenant.id, restored.id), state: "former" },
  ]);
});

test("a restored log says so, and is sealed and verified from where the backup had it", async () => {
  const tenant = await newSeenTenant();
  const scope = openJob(bucket.bucket);
  const sealed = await seal(tenant);
  const backup = await backUp(scope, tenant);
  await rename(tenant, "Later");
  const later = await seal(tenant);
  const restored = await restore(scope, tenant, backup.id);
  expect(await headOf(tenant)).toMatchObject({ sequence: sealed.sequence, mac: sealed.mac });
  expect(await verify(tenant.owner)).toMatchObject({ status: "intact" });

  const { body } = await tenant.owner.call<{ data: object[] }>(
    "/api/v1/audit-logs?entity=restorations",
  );
  expect(body.data).toMatchObject([
    {
      entityId: restored.id,
      action: "INSERT",
      reason: `restore ${restored.id}`,
      changes: {
        backupId: { old: null, new: backup.id },
        takenAt: { old: null, new: backup.takenAt },
        replaced: { old: null, new: later.sequence },
      },
    },
  ]);
  const db = await openNow(scope, registry, tenant.id);
  const again = await seal({ ...tenant, db });
  expect(again.sequence).toBeGreaterThan(sealed.sequence);
  expect(await verify(tenant.owner)).toMatchObject({ status: "intact" });
});

test("a replaced database is destroyed when its time is over, and then nothing is taken back", async () => {
  const tenant = await newTenant();
  const scope = openJob(bucket.bucket);
  const backup = await backUp(scope, tenant);
  const restored = await restore(scope, tenant, backup.id);
  const name = databaseNameOf(tenant.id);
  await deleteFormerDatabases(scope);
  expect(await scope.platform.findDatabase(name)).toBeDefined();
  await rowsOf(registry, `update databases set keep_until = 1 where name = '${name}' returning 1`);
  await deleteFormerDatabases(scope);
  expect(await scope.platform.findDatabase(name)).toBeUndefined();
  await expect(askForUndo(scope, tenant, restored.id)).rejects.toMatchObject({ code: "conflict" });
  expect(await namesIn(tenant)).toEqual(["Test Person"]);
});
