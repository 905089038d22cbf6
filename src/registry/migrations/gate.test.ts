import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import { codeOf } from "../../testing/client.ts";
import {
  driven,
  firstVersion,
  newDriver,
  newRegistry,
  type OwnRegistry,
  start,
} from "../../testing/fleet.ts";
import { newTenant, stack } from "../../testing/harness.ts";
import { newOldCustomer } from "../../testing/old-customer.ts";
import { type OwnSqld, startOwnSqld } from "../../testing/own-sqld.ts";
import { type DatabaseProxy, type Passage, startProxy } from "../../testing/proxy.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";

let sqld: OwnSqld;
let home: OwnRegistry;
let proxy: DatabaseProxy;
let worker: RunningWorker;
const launch = (more: Record<string, string> = {}) =>
  startWorker({
    bundle: stack.bundle,
    settings: { ...home.variables, ...proxy.settings, ROUTE_CACHE_SECONDS: "600", ...more },
  });
beforeAll(async () => {
  sqld = await startOwnSqld(stack);
  home = await newRegistry(sqld);
  proxy = await startProxy(home.variables);
  worker = await launch();
});
afterAll(async () => {
  await worker.stop();
  await proxy.stop();
  await sqld.stop();
});

const newest = tenantMigrations.length;
const path = "/api/v1/users";
const on = (where: RunningWorker) => `${where.url}${path}`;
type Customer = Awaited<ReturnType<typeof newOldCustomer>>;

const isMigration = ({ namespace, body }: Passage, id: string) =>
  namespace === databaseNameOf(id) && /insert into __drizzle_migrations/.test(body);
const migrationsOf = ({ id }: Pick<Customer, "id">) =>
  proxy.passages.filter((passage) => isMigration(passage, id)).length;
const stateOf = async ({ id }: Customer) =>
  (
    await rowsOf(
      home.db,
      sql`select schema_version as version, migration_error as error from tenants where id = ${id}`,
    )
  )[0];
const set = ({ id }: { id: string }, values: string) =>
  execute(home.db, `update tenants set ${values} where id = '${id}'`);

test("twenty first requests to a tenant that is behind cause one migration, and are all served", async () => {
  const acme = await newOldCustomer(home, worker.url);
  const answers = await Promise.all(Array.from({ length: 20 }, () => acme.owner.call(path)));
  expect(answers.map(codeOf)).toEqual(Array(20).fill("200"));
  expect(migrationsOf(acme)).toBe(1);
  expect(await stateOf(acme)).toEqual({ version: newest, error: null });
  const next = await proxy.counted(() => acme.owner.call(path));
  expect(next.by, "the isolate knows of it").toEqual({ [databaseNameOf(acme.id)]: 1 });
});

test("two isolates that find the same tenant behind cause one migration together", async () => {
  const other = await launch();
  try {
    const acme = await newOldCustomer(home, worker.url);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => acme.owner.call(on(i % 2 ? worker : other))),
    );
    expect(answers.map(codeOf)).toEqual(Array(12).fill("200"));
    expect(migrationsOf(acme)).toBe(1);
  } finally {
    await other.stop();
  }
});

test("where requests migrate nobody, a tenant that is behind is told when to come back, until the run has been there", async () => {
  const patient = await launch({ LAZY_MIGRATION: "false" });
  try {
    const acme = await newOldCustomer(home, patient.url);
    const refused = await acme.owner.call(path);
    expect(codeOf(refused)).toBe("503 schema_outdated");
    expect(refused.headers["retry-after"]).toBe("60");
    expect(refused.body["detail"]).toMatch(/waits for the operators' migration/);
    expect(await stateOf(acme)).toEqual({ version: firstVersion, error: null });
    const driver = newDriver(home);
    await driven(driver, (await start(driver, { only: [acme.id] })).id);
    expect(codeOf(await acme.owner.call(path)), "at once").toBe("200");
  } finally {
    await patient.stop();
  }
});

test("a tenant whose migration fails is told so, is quarantined, and not tried by every request", async () => {
  const acme = await newOldCustomer(home, worker.url);
  await execute(acme.db, "drop table account_members");
  const first = await acme.owner.call(path);
  expect(codeOf(first)).toBe("503 schema_outdated");
  expect(await stateOf(acme)).toEqual({
    version: firstVersion,
    error: expect.stringMatching(/^migration_refused: Migration 0002/),
  });
  const tries = migrationsOf(acme);
  const second = await acme.owner.call(path);
  expect(codeOf(second)).toBe("503 schema_outdated");
  expect(second.headers["retry-after"]).toBe("60");
  expect(migrationsOf(acme)).toBe(tries);
});

test("a migration that takes longer than a request goes on without it, and the next ones are served", async () => {
  const acme = await newOldCustomer(home, worker.url);
  const slow = proxy.disturb({
    of: (passage) => isMigration(passage, acme.id),
    at: "reply",
    by: "hold",
  });
  const began = Date.now();
  const answers = await Promise.all([acme.owner.call(path), acme.owner.call(path)]);
  expect(answers.map(codeOf)).toEqual(Array(2).fill("503 schema_outdated"));
  expect(answers[0]?.headers["retry-after"]).toBe("2");
  expect(Date.now() - began).toBeLessThan(5000);
  slow.lift();
  await expect.poll(() => stateOf(acme)).toEqual({ version: newest, error: null });
  expect(codeOf(await acme.owner.call(path))).toBe("200");
  expect(migrationsOf(acme)).toBe(1);
});

test("a database that is ahead is served by code it still allows, and by none it does not", async () => {
  const fresh = await launch({ ROUTE_CACHE_SECONDS: "0" });
  try {
    const acme = await newTenant(fresh.url, home.settings);
    await set(acme, `schema_version = ${newest + 3}, oldest_code = ${newest}`);
    expect(codeOf(await acme.owner.call(path))).toBe("200");
    await set(acme, `oldest_code = ${newest + 1}`);
    const refused = await acme.owner.call(path);
    expect(codeOf(refused)).toBe("503 schema_ahead");
    expect(refused.headers["retry-after"]).toBe("30");
    expect(migrationsOf(acme), "but for its own sign-up").toBe(1);
  } finally {
    await fresh.stop();
  }
});
