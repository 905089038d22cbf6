import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseNameOf } from "../../platform/platform.ts";
import { openRegistry } from "../../testing/databases.ts";
import { newTenant, stack } from "../../testing/harness.ts";
import { type OwnSqld, startOwnSqld } from "../../testing/own-sqld.ts";
import { type DatabaseProxy, startProxy } from "../../testing/proxy.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";

// A server of its own: whoever signs up may take what is ready.
let sqld: OwnSqld;
let proxy: DatabaseProxy;
let worker: RunningWorker;
let registry: ReturnType<typeof openRegistry>;
const size = 4;
beforeAll(async () => {
  sqld = await startOwnSqld(stack);
  registry = openRegistry(sqld.settings);
  proxy = await startProxy(sqld.variables);
  const settings = { ...sqld.variables, ...proxy.settings, WARM_POOL_SIZE: String(size) };
  worker = await startWorker({ bundle: stack.bundle, settings });
});
afterAll(async () => {
  await worker.stop();
  await proxy.stop();
  await sqld.stop();
});

const shelf = () =>
  rowsOf<{ tenant_id: string; state: string }>(registry, "select * from warm_databases");
async function fill() {
  await execute(registry, "update chores set started_at = 1 where name = 'fill_warm_pool'");
  await worker.scheduled();
}

test("sign-ups find their databases ready, each its own, and the shelf is filled again", async () => {
  await fill();
  const ready = await shelf();
  expect(ready.map(({ state }) => state)).toEqual(Array.from({ length: size }, () => "ready"));
  const made = await Promise.all(
    Array.from({ length: 8 }, () => newTenant(worker.url, sqld.settings)),
  );
  const ids = new Set(made.map(({ id }) => id));
  expect(ids.size).toBe(8);
  const taken = ready.filter(({ tenant_id }) => ids.has(tenant_id));
  const left = await shelf();
  expect(taken.length).toBeGreaterThan(0);
  expect(taken.length + left.length).toBe(size);
  for (const { owner } of made) expect((await owner.call("/api/v1/users")).status).toBe(200);
  const ledger = await rowsOf(registry, "select name from databases where state = 'current'");
  expect(ledger).toHaveLength(8);
  await fill();
  expect((await shelf()).map(({ state }) => state)).toEqual(
    Array.from({ length: size }, () => "ready"),
  );
});

test("what was begun and not finished is gone on with, not made twice", async () => {
  await execute(registry, "delete from warm_databases");
  const outage = proxy.disturb({
    of: ({ door, path }) => door === "admin" && path.endsWith("/create"),
    at: "reply",
    by: "cut",
  });
  await fill();
  outage.lift();
  const begun = await shelf();
  expect(begun.map(({ state }) => state)).toEqual(Array.from({ length: size }, () => "made"));
  await fill();
  expect(await shelf()).toEqual(begun.map((row) => ({ ...row, state: "ready" })));
});

test("clocks that call at once fill the shelf once", async () => {
  await execute(registry, "delete from warm_databases", "delete from chores");
  await Promise.all([worker.scheduled(), worker.scheduled(), worker.scheduled()]);
  expect(await shelf()).toHaveLength(size);
});

test("an empty shelf keeps nobody waiting", async () => {
  await execute(registry, "delete from warm_databases");
  const acme = await newTenant(worker.url, sqld.settings);
  expect((await acme.owner.call("/api/v1/users")).status).toBe(200);
  const names = await rowsOf(
    registry,
    `select name from databases where tenant_id = '${acme.id}' and state = 'current'`,
  );
  expect(names).toEqual([{ name: databaseNameOf(acme.id) }]);
});
