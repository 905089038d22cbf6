import { afterAll, beforeAll, expect, test } from "vitest";
import { finish, openBucket, openJob, restore } from "../../testing/archive.ts";
import { newTenant } from "../../testing/harness.ts";
import { placeUsers } from "../../testing/rows.ts";
import { newSeenTenant } from "../../testing/sealing.ts";
import { getBackup } from "../backups/backups.service.ts";
import { beginImport } from "../backups/begin.service.ts";

let bucket: Awaited<ReturnType<typeof openBucket>>;
beforeAll(async () => {
  bucket = await openBucket();
});
afterAll(() => bucket.close());

type Manifest = { tables: { name: string; rows: number; digest: string }[] };
const manifestOf = (file: string) =>
  (JSON.parse(file.trimEnd().split("\n").at(-1) ?? "") as { manifest: Manifest }).manifest;

async function takeIn(tenant: { id: string }, file: string) {
  const scope = openJob(bucket.bucket);
  const object = `imports/${tenant.id}.ndjson`;
  await bucket.store.put(object, Uint8Array.from(new TextEncoder().encode(file)));
  const by = { issuer: "test", subject: "test" };
  const { id, operationId } = await beginImport(scope, { tenantId: tenant.id, by }, object);
  await finish(scope, operationId);
  return { scope, backup: await getBackup(scope, tenant.id, id) };
}

test("what one tenant exports another takes in, every row of it as it was", async () => {
  const [from, to] = [await newSeenTenant(), await newTenant()];
  for (const _ of ["a", "b", "c"])
    await placeUsers(
      from.db,
      Array.from({ length: 2000 }, (_, i) => ({ name: `“Zoë” \\ ${i} ${"x".repeat(500)}` })),
    );
  const { body: file } = await from.owner.call<string>("/api/v1/tenant/export");
  const { scope, backup } = await takeIn(to, file);
  expect(backup).toMatchObject({ status: "ready" });
  const restored = await restore(scope, to, backup.id);
  expect(restored).toMatchObject({ status: "succeeded", error: null });

  const inTo = { headers: { "x-tenant-id": to.slug } };
  const { status, body } = await from.owner.call<string>("/api/v1/tenant/export", inTo);
  expect(status).toBe(200);
  // The stamp is the other tenant's own, and the log goes on: it tells of the restoration.
  const own = ["tenant_identity", "audit_logs", "user_sessions"];
  const comparable = (text: string) =>
    manifestOf(text).tables.filter(({ name }) => !own.includes(name));
  expect(comparable(body)).toEqual(comparable(file));
  expect((await to.owner.call("/api/v1/users")).status).toBe(403);
});

test("an export that breaks off, or was changed, is not taken in", async () => {
  const [from, to] = [await newSeenTenant(), await newTenant()];
  const { body: file } = await from.owner.call<string>("/api/v1/tenant/export");
  const lines = file.trimEnd().split("\n");
  const broken = `${lines.slice(0, -1).join("\n")}\n`;
  const changed = file.replace('"name":"Test Person"', '"name":"Somebody"');
  for (const bad of [broken, changed, "{}\n", "no JSON\n", ""]) {
    const { scope, backup } = await takeIn(to, bad);
    expect(backup.status).toBe("failed");
    expect(await scope.store?.list(`tenants/${to.id}/${backup.id}/`)).toEqual([]);
  }
});
