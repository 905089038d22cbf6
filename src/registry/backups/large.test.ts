import { afterAll, beforeAll, expect, test } from "vitest";
import type { ObjectStore } from "../../object-store/object-store.ts";
import { backUp, openBucket, openJob, restore } from "../../testing/archive.ts";
import { openNow } from "../../testing/databases.ts";
import { newTenant, registry } from "../../testing/harness.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
import { fillLog } from "../../testing/sealing.ts";

let bucket: Awaited<ReturnType<typeof openBucket>>;
beforeAll(async () => {
  bucket = await openBucket();
});
afterAll(() => bucket.close());

const unpacked = async (body: Uint8Array<ArrayBuffer>) => {
  const source = new Response(body).body as ReadableStream<Uint8Array<ArrayBuffer>>;
  const stream = source.pipeThrough(new DecompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
};

test("whatever a database weighs, no more than a part of it is in memory at a time", {
  timeout: 60_000,
}, async () => {
  const tenant = await newTenant();
  const rows = 24_000;
  await fillLog(tenant.db, rows, JSON.stringify({ note: { old: null, new: "x".repeat(400) } }));
  const sizes: number[] = [];
  const store: ObjectStore = {
    ...bucket.store,
    async put(key, body) {
      if (key.endsWith(".gz")) sizes.push(await unpacked(body));
      await bucket.store.put(key, body);
    },
  };
  const scope = { ...openJob(bucket.bucket), store };
  const backup = await backUp(scope, tenant);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  expect(total).toBeGreaterThan(12_000_000);
  // A part is full at three megabytes, and the page that fills it brings another at most.
  expect(Math.max(...sizes)).toBeLessThan(4_100_000);
  expect(sizes.length).toBe(Math.ceil(total / Math.max(...sizes)));

  expect(await restore(scope, tenant, backup.id)).toMatchObject({ status: "succeeded" });
  const db = await openNow(scope, registry, tenant.id);
  const [counted] = await rowsOf<{ n: number }>(
    db,
    "select count(*) as n from audit_logs where entity = 'things'",
  );
  expect(counted?.n).toBe(rows);
});
