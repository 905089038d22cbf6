import { createHmac, randomBytes } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, expect, test } from "vitest";
import { parseSettings } from "../../env.ts";
import { newPerson, newTenant, settings, stack, type TestTenant } from "../../testing/harness.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { fillLog, headOf, newSeenTenant, seal, sealHalf, verify } from "../../testing/sealing.ts";
import { startWorker } from "../../testing/worker.ts";
import type { Link } from "./chain.ts";

const cleanup: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const stop of cleanup) await stop();
});

const chainOf = ({ db }: TestTenant) =>
  rowsOf<Link>(db, "select * from audit_links order by sequence");
const lengthOf = async ({ db }: TestTenant) => {
  const [row] = await rowsOf<{ rows: number }>(db, "select count(*) as rows from audit_logs");
  return row?.rows ?? 0;
};

test("a digest can be made again with the key, the row and the link before, and nothing else", async () => {
  const acme = await newSeenTenant();
  await seal(acme);
  const rows = await rowsOf(acme.db, "select * from audit_logs order by sequence");
  const [current] = settings.SECRET_KEY;
  let before = "";
  const expected = rows.map((row) => {
    const columns = Object.entries(row)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name.replaceAll(/_(\w)/g, (_, c: string) => c.toUpperCase()), value])
      .sort();
    const text = JSON.stringify(Object.fromEntries(columns));
    const signed = ["audit", acme.id, row["sequence"], before, text].join("\n");
    const key = Buffer.from(current?.key.reveal() ?? "", "base64url");
    before = createHmac("sha256", key).update(signed).digest("hex");
    return { sequence: row["sequence"], mac: before, kid: current?.kid };
  });
  expect(await chainOf(acme)).toEqual(expected);
});

test("the log of a tenant that was never sealed is intact, and all of it waits", async () => {
  const acme = await newSeenTenant();
  expect(await headOf(acme)).toEqual({ sequence: 0, links: 0, mac: "", sealedAt: 0 });
  const found = await verify(acme.owner);
  expect(found).toEqual({
    status: "intact",
    verified: 0,
    sealedTo: 0,
    sealedAt: null,
    rows: await lengthOf(acme),
    unsealed: found.rows,
    next: null,
    broken: null,
  });
});

test("what is sealed is verified, what came later waits, and sealing goes on from there", async () => {
  const acme = await newSeenTenant();
  const head = await seal(acme);
  expect(head).toEqual({ sequence: 7, links: 7, mac: (await chainOf(acme)).at(-1)?.mac });
  expect(await headOf(acme)).toMatchObject(head);
  await fillLog(acme.db, 1300);
  expect(await verify(acme.owner)).toMatchObject({
    status: "intact",
    verified: 7,
    sealedTo: 7,
    rows: 1307,
    unsealed: 1300,
  });
  expect(await seal(acme)).toMatchObject({ sequence: 1307, links: 1307 });
  expect(await verify(acme.owner)).toMatchObject({
    status: "intact",
    verified: 1307,
    unsealed: 0,
    next: null,
  });
  const before = await chainOf(acme);
  expect(await seal(acme)).toMatchObject({ links: 1307 });
  expect(await chainOf(acme)).toEqual(before);
});

test("rows as large as they can be are sealed and verified a few at a time", async () => {
  const acme = await newSeenTenant();
  const text = "x".repeat(60_000);
  await fillLog(acme.db, 100, JSON.stringify({ value: { old: text, new: text } }));
  const { links } = await seal(acme);
  expect(links).toBe(107);
  expect(await verify(acme.owner)).toMatchObject({ status: "intact", verified: links });
});

test("a log too long for one request is verified in steps that meet", async () => {
  const acme = await newSeenTenant();
  await fillLog(acme.db, 11_000);
  const { links } = await seal(acme);
  let verified = 0;
  for (let from: number | null = 0, steps = 0; from !== null; steps++) {
    const step = await verify(acme.owner, from);
    expect(step).toMatchObject({
      status: step.next === null ? "intact" : "incomplete",
      next: step.next === null ? null : from + step.verified,
    });
    expect(step.verified).toBeLessThanOrEqual(5000);
    expect(steps).toBeLessThan(50);
    verified += step.verified;
    from = step.next;
  }
  expect(verified).toBe(links);
});

test("thirty that seal at once make one chain, while the log grows", async () => {
  const acme = await newSeenTenant();
  await fillLog(acme.db, 2500);
  const growing = (async () => {
    for (let i = 0; i < 20; i++) await fillLog(acme.db, 10);
  })();
  const heads = await Promise.all(Array.from({ length: 30 }, () => seal(acme)));
  await growing;
  const { links } = await seal(acme);
  const chain = await chainOf(acme);
  expect(chain.length).toBe(links);
  const macs = new Set(chain.map(({ mac }) => mac));
  for (const { mac, links } of heads) if (links > 0) expect(macs).toContain(mac);
  expect(await lengthOf(acme)).toBe(links);
  expect(await headOf(acme)).toMatchObject({ sequence: chain.at(-1)?.sequence, links });
  expect(await verify(acme.owner)).toMatchObject({ status: "intact", verified: links });
});

test("a log is verified as intact while it grows and is sealed", async () => {
  const acme = await newSeenTenant();
  await fillLog(acme.db, 1200);
  await seal(acme);
  let busy = true;
  const sealing = (async () => {
    while (busy) {
      await fillLog(acme.db, 30);
      await seal(acme);
    }
  })();
  for (let i = 0; i < 10; i++)
    expect(await verify(acme.owner)).toMatchObject({ status: "intact", broken: null });
  busy = false;
  await sealing;
});

test("a chain the registry has not heard of yet is good, and is taken note of the next time", async () => {
  const acme = await newSeenTenant();
  await seal(acme);
  const known = await headOf(acme);
  await fillLog(acme.db, 700);
  const half = await sealHalf(acme);
  expect(await headOf(acme)).toEqual(known);
  expect(await verify(acme.owner)).toMatchObject({
    status: "intact",
    verified: half.links,
    sealedTo: known?.sequence,
    unsealed: 700,
  });
  expect(await seal(acme)).toEqual(half);
  expect(await headOf(acme)).toMatchObject(half);
  expect(await verify(acme.owner)).toMatchObject({ status: "intact", unsealed: 0 });
});

test("a chain that was cut is not carried on: what shows the cut stays", async () => {
  const acme = await newSeenTenant();
  await fillLog(acme.db, 20);
  const head = await seal(acme);
  await execute(acme.db, "delete from audit_links where sequence > 10");
  const before = await chainOf(acme);
  await fillLog(acme.db, 20);
  await expect(seal(acme)).rejects.toThrow("not the one that was sealed");
  expect(await chainOf(acme)).toEqual(before);
  expect(await headOf(acme)).toMatchObject(head);
});

test("another tenant's database is not sealed", async () => {
  const [acme, globex] = await Promise.all([newTenant(), newTenant()]);
  await expect(seal({ ...acme, db: globex.db })).rejects.toThrow("another's");
  await execute(globex.db, sql`update tenant_identity set tenant_id = ${acme.id}`);
  await expect(seal(globex)).rejects.toThrow("another's");
  expect(await chainOf(globex)).toEqual([]);
});

test("with a new key the chain goes on, and the old one verifies what it sealed until it is gone", async () => {
  const acme = await newSeenTenant();
  await seal(acme);
  const { sequence } = (await headOf(acme)) ?? { sequence: 0 };
  const old = stack.settings["SECRET_KEY"] ?? "";
  const fresh = `k2:${randomBytes(32).toString("base64url")}`;
  const ringOf = (SECRET_KEY: string) => parseSettings({ ...stack.settings, SECRET_KEY });
  await fillLog(acme.db, 20);
  await seal(acme, ringOf(`${fresh},${old}`).SECRET_KEY);
  const kids = (await chainOf(acme)).map(({ kid }) => kid);
  expect(new Set(kids.slice(0, sequence))).toEqual(new Set(["k1"]));
  expect(new Set(kids.slice(sequence))).toEqual(new Set(["k2"]));

  const verifiedWith = async (SECRET_KEY: string) => {
    const worker = await startWorker({
      bundle: stack.bundle,
      settings: { ...stack.settings, SECRET_KEY },
    });
    cleanup.push(worker.stop);
    const url = `${worker.url}/api/v1/audit-logs/verification`;
    return async (from = 0) =>
      (await acme.owner.call<Record<string, unknown>>(`${url}?from=${from}`)).body;
  };
  const both = await verifiedWith(`${fresh},${old}`);
  expect(await both()).toMatchObject({ status: "intact", verified: kids.length });
  const withoutNew = await verifiedWith(old);
  expect(await withoutNew()).toMatchObject({
    status: "broken",
    verified: sequence,
    broken: {
      sequence: sequence + 1,
      finding: "key_unknown",
      detail: expect.stringContaining("k2") as string,
    },
  });
  const withoutOld = await verifiedWith(fresh);
  expect(await withoutOld()).toMatchObject({
    broken: { sequence: 1, id: "aud_1", finding: "key_unknown" },
  });
  expect(await withoutOld(sequence)).toMatchObject({ status: "intact" });
});

test("only owners and admins of the tenant may ask, and nobody of another tenant", async () => {
  const acme = await newSeenTenant();
  const boss = await acme.member({ accountRole: "ADMIN" });
  const path = "/api/v1/audit-logs/verification";
  expect((await boss.call(path)).status).toBe(403);
  const stranger = newPerson();
  expect((await stranger.call(path, { headers: { "x-tenant-id": acme.slug } })).status).toBe(403);
  for (const from of ["-1", "x", "1e3", "9".repeat(16), "1.5", ""])
    expect((await acme.owner.call(`${path}?from=${from}`)).status, from).toBe(400);
});
