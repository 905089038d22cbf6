import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256 } from "../../core/mac.ts";
import { backUp, ledgerFor, openBucket, openJob, restore } from "../../testing/archive.ts";
import { dump } from "../../testing/dump.ts";
import { newTenant, registry, type TestTenant } from "../../testing/harness.ts";
import { execute } from "../../testing/raw-sql.ts";
import { manifestKey, partKey } from "../backups/manifest.ts";

let bucket: Awaited<ReturnType<typeof openBucket>>;
beforeAll(async () => {
  bucket = await openBucket();
});
afterAll(() => bucket.close());

const prefixOf = (tenant: TestTenant, id: string) => `tenants/${tenant.id}/${id}/`;
const saveChecksum = (id: string, checksum: string | null) =>
  execute(
    registry,
    `update backups set checksum = ${checksum === null ? "null" : `'${checksum}'`} where id = '${id}'`,
  );

/** What is done to a backup, and what the restoration says. */
const harms: Record<
  string,
  { reason: RegExp; harm(tenant: TestTenant, id: string): Promise<unknown> }
> = {
  "whose checksum is missing": {
    reason: /manifest is not the one/,
    harm: (_, id) => saveChecksum(id, null),
  },
  "whose manifest was changed": {
    reason: /manifest is not the one/,
    harm: async (tenant, id) => {
      const key = manifestKey(prefixOf(tenant, id));
      const stored = await bucket.store.get(key);
      const text = new TextDecoder().decode(stored).replace('"rows": ', '"rows": 1');
      await bucket.store.put(key, Uint8Array.from(new TextEncoder().encode(text)));
    },
  },
  "whose manifest is gone": {
    reason: /manifest is gone/,
    harm: (tenant, id) => bucket.store.deleteAll(manifestKey(prefixOf(tenant, id))),
  },
  "with a part that is gone": {
    reason: /part of the backup is gone/,
    harm: (tenant, id) => bucket.store.deleteAll(partKey(prefixOf(tenant, id), 0)),
  },
  "with a bit that flipped": {
    reason: /part of the backup is not as it was written/,
    harm: async (tenant, id) => {
      const key = partKey(prefixOf(tenant, id), 0);
      const stored = await bucket.store.get(key);
      if (stored) stored[40] = (stored[40] ?? 0) ^ 1;
      await bucket.store.put(key, stored ?? new Uint8Array());
    },
  },
  "in the place of which another tenant's lies": {
    reason: /another tenant's/,
    harm: async (tenant, id) => {
      const other = await newTenant();
      const theirs = await backUp(openJob(bucket.bucket), other);
      for (const key of await bucket.store.list(prefixOf(other, theirs.id))) {
        const stolen = await bucket.store.get(key);
        const place = key.replace(prefixOf(other, theirs.id), prefixOf(tenant, id));
        if (stolen) await bucket.store.put(place, stolen);
        if (stolen && key.endsWith("manifest.json")) await saveChecksum(id, await sha256(stolen));
      }
    },
  },
  "whose manifest counts other rows than there are": {
    reason: /is not what was backed up/,
    harm: async (tenant, id) => {
      const key = manifestKey(prefixOf(tenant, id));
      const stored = new TextDecoder().decode(await bucket.store.get(key));
      const manifest = JSON.parse(stored) as { tables: { name: string; rows: number }[] };
      for (const table of manifest.tables) if (table.name === "users") table.rows++;
      const forged = Uint8Array.from(new TextEncoder().encode(JSON.stringify(manifest)));
      await bucket.store.put(key, forged);
      await saveChecksum(id, await sha256(forged));
    },
  },
  "made by a release nobody knows here": {
    reason: /other migrations/,
    harm: async (tenant, id) => {
      const key = manifestKey(prefixOf(tenant, id));
      const stored = new TextDecoder().decode(await bucket.store.get(key));
      const manifest = JSON.parse(stored) as { migrations: string[] };
      manifest.migrations.push("0".repeat(64));
      const forged = Uint8Array.from(new TextEncoder().encode(JSON.stringify(manifest)));
      await bucket.store.put(key, forged);
      await saveChecksum(id, await sha256(forged));
    },
  },
};

test.each(Object.entries(harms))(
  "a backup %s is refused, and leaves nothing behind",
  async (_, { reason, harm }) => {
    const tenant = await newTenant();
    const scope = openJob(bucket.bucket);
    const backup = await backUp(scope, tenant);
    await harm(tenant, backup.id);
    const before = await dump(tenant.db);
    const refused = await restore(scope, tenant, backup.id);
    expect(refused).toMatchObject({ status: "failed", error: expect.stringMatching(reason) });
    expect(await dump(tenant.db)).toEqual(before);
    const states = (await ledgerFor(tenant)).map(({ state }) => state);
    expect(states).toEqual(["current", "gone", "doomed"]);
    expect((await tenant.owner.call("/api/v1/users")).status).toBe(200);
  },
);
