import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { openTenant } from "../../testing/databases.ts";
import {
  driven,
  failuresIn,
  firstVersion,
  newDriver,
  newFleet,
  newRegistry,
  type OwnRegistry,
  slugOf,
  start,
} from "../../testing/fleet.ts";
import { stack } from "../../testing/harness.ts";
import { type OwnSqld, startOwnSqld } from "../../testing/own-sqld.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { driveRun } from "./fleet.service.ts";
import { cancelRun, resumeRun } from "./runs.service.ts";

let sqld: OwnSqld;
beforeAll(async () => {
  sqld = await startOwnSqld(stack);
});
afterAll(() => sqld.stop());

const newest = tenantMigrations.length;
const third = tenantMigrations[firstVersion]?.when ?? 0;

/** How many tenants the registry has at each schema version, and how many databases really are. */
async function versionsIn({ db }: OwnRegistry): Promise<Record<string, number>> {
  const rows = await rowsOf<{ v: number; n: number }>(
    db,
    "select schema_version as v, count(*) as n from tenants group by 1",
  );
  return Object.fromEntries(rows.map(({ v, n }) => [v, n]));
}
const appliedIn = async ({ settings }: OwnRegistry, id: string) =>
  (await rowsOf(await openTenant(settings, id), "select hash from __drizzle_migrations")).length;

const lose = async ({ settings }: OwnRegistry, id: string, table = "account_members") =>
  await execute(await openTenant(settings, id), `drop table ${table}`);
const mend = async ({ settings }: OwnRegistry, id: string) =>
  await execute(
    await openTenant(settings, id),
    ...tenantMigrations
      .slice(0, firstVersion)
      .flatMap(({ statements }) => statements)
      .filter((text) => /(table `|on |index )`?account_members/i.test(text)),
  );
const forge = async ({ settings }: OwnRegistry, id: string, when = third) =>
  await execute(
    await openTenant(settings, id),
    `insert into __drizzle_migrations (hash, created_at) values ('other', ${when})
      on conflict (created_at) do update set hash = 'other'`,
  );
const misplace = ({ db }: OwnRegistry, id: string) =>
  execute(db, sql`update tenants set database_name = 'nowhere' where id = ${id}`);

test("of 500 tenants, 3 of them broken, 497 are migrated and 3 listed; a new run touches those 3 alone", async () => {
  const home = await newRegistry(sqld);
  const ids = await newFleet(home, 500);
  const [lost, forged, gone] = [ids[40], ids[222], ids[499]] as [string, string, string];
  await Promise.all([lose(home, lost), forge(home, forged), misplace(home, gone)]);

  const driver = newDriver(home);
  const first = await start(driver, { haltAfter: { percent: 5 } });
  expect(first).toMatchObject({ status: "running", total: 500, migrated: 0 });
  expect(await driven(driver, first.id)).toMatchObject({
    status: "succeeded",
    migrated: 497,
    failed: 3,
    skipped: 0,
    wave: { name: "all" },
  });
  expect(driver.opened.toSorted(), "nobody is tried twice").toEqual(ids.toSorted());
  expect(await versionsIn(home)).toEqual({ [newest]: 497, [firstVersion]: 3 });
  expect(await appliedIn(home, ids[300] ?? "")).toBe(newest);
  expect(await failuresIn(driver, first.id)).toEqual({
    [lost]: expect.stringMatching(/^migration_refused: Migration 0002_\w+ does not fit .*missing$/),
    [forged]: expect.stringMatching(/^schema_drift: Migration 0002_\w+ was applied with other/),
    [gone]: "dependency_unavailable: The tenant's database does not answer",
  });

  await mend(home, lost);
  const again = newDriver(home);
  const second = await start(again, { haltAfter: { failures: 3 } });
  expect(second.total).toBe(3);
  expect(await driven(again, second.id)).toMatchObject({ migrated: 1, failed: 2, skipped: 0 });
  expect(again.opened.toSorted()).toEqual([lost, forged, gone].toSorted());
  expect(await versionsIn(home)).toEqual({ [newest]: 498, [firstVersion]: 2 });
  const marks = await rowsOf(
    home.db,
    sql`select migration_error, migration_failed_at from tenants where id = ${lost}`,
  );
  expect(marks, "the quarantine is over").toEqual([
    { migration_error: null, migration_failed_at: null },
  ]);
}, 120_000);

test("canaries go first, and while they fail nobody else is touched", async () => {
  const home = await newRegistry(sqld);
  const ids = await newFleet(home, 30);
  const [bad, good] = [ids[20], ids[25]] as [string, string];
  await lose(home, bad);
  const driver = newDriver(home);
  const run = await start(driver, { canaries: [slugOf(bad), good] });
  expect(await driven(driver, run.id)).toMatchObject({
    status: "halted",
    migrated: 1,
    failed: 1,
    wave: { name: "canary", size: 2, tried: 2, failed: 1 },
  });
  expect(driver.opened.toSorted()).toEqual([bad, good].toSorted());
  expect(await versionsIn(home)).toEqual({ [newest]: 1, [firstVersion]: 29 });
  expect(await driven(driver, run.id), "a halted run is driven by nobody").toMatchObject({
    status: "halted",
  });
});

test("without names the oldest are the canaries, and waves grow from 1 % over 10 % to all", async () => {
  const home = await newRegistry(sqld);
  const ids = await newFleet(home, 40);
  const driver = newDriver(home);
  const run = await start(driver, { canaryCount: 2 });
  expect(run.options.canaries).toEqual(ids.slice(0, 2));
  const seen = new Map<string, number>();
  await driveRun(driver, run.id, {
    tell: ({ wave, migrated }) => {
      seen.set(`${wave}`, migrated);
    },
  });
  expect([...seen], "what was done when each wave began").toEqual([
    ["1", 2],
    ["2", 3],
    ["3", 40],
  ]);
  expect(driver.opened.slice(0, 2).sort()).toEqual(ids.slice(0, 2));
});

test("a run halts when more of a wave fail than it may bear, and goes on from there when told to", async () => {
  const home = await newRegistry(sqld);
  const ids = await newFleet(home, 60);
  const broken = ids.slice(10, 14);
  for (const id of broken) await lose(home, id);
  const driver = newDriver(home);
  const run = await start(driver, { canaryCount: 0, haltAfter: { failures: 1 } });
  const halted = await driven(driver, run.id);
  expect(halted).toMatchObject({ status: "halted", wave: { name: "all" }, failed: 4 });
  expect(halted.migrated).toBeLessThan(56);
  expect(halted.migrated + halted.failed).toBe(driver.opened.length);

  await resumeRun(driver, run.id);
  expect(await driven(driver, run.id)).toMatchObject({ status: "succeeded", migrated: 56 });
  expect(driver.opened.toSorted(), "those that failed wait for the next run").toEqual(
    ids.toSorted(),
  );
  await expect(resumeRun(driver, run.id)).rejects.toMatchObject({ code: "conflict" });
});

test("a database whose past is not ours is reported, listed, and left as it is", async () => {
  const home = await newRegistry(sqld);
  const [bent, fine] = (await newFleet(home, 2)) as [string, string];
  await forge(home, bent, tenantMigrations[0]?.when);
  const db = await openTenant(home.settings, bent);
  const before = await rowsOf(db, "select * from sqlite_master");
  const driver = newDriver(home);
  const run = await start(driver, { haltAfter: { failures: 9 } });
  expect(await driven(driver, run.id)).toMatchObject({ migrated: 1, failed: 1 });
  expect(await rowsOf(db, "select * from sqlite_master")).toEqual(before);
  const drift = sql`select id, schema_drift as drift, schema_version as v from tenants order by id`;
  expect(await rowsOf(home.db, drift)).toEqual([
    { id: bent, drift: "Migration 0000_base was applied with other contents", v: firstVersion },
    { id: fine, drift: null, v: newest },
  ]);
});

test("what the registry wrongly believes of a database does no harm", async () => {
  const home = await newRegistry(sqld);
  const [older, newer] = (await newFleet(home, 2)) as [string, string];
  const believe = (id: string, version: number) =>
    execute(home.db, sql`update tenants set schema_version = ${version} where id = ${id}`);
  await believe(older, firstVersion + 1);
  await believe(newer, firstVersion - 1);
  const driver = newDriver(home);
  const run = await start(driver);
  expect(await driven(driver, run.id)).toMatchObject({ migrated: 2, failed: 0 });
  for (const id of [older, newer]) expect(await appliedIn(home, id)).toBe(newest);
});

test("several drivers at once do no harm: each tenant is migrated once, and counted once", async () => {
  const home = await newRegistry(sqld);
  const ids = await newFleet(home, 60);
  const drivers = Array.from({ length: 4 }, () => newDriver(home));
  const run = await start(drivers[0] as (typeof drivers)[0]);
  await Promise.all(
    drivers.map(async (driver) => {
      while ((await driveRun(driver, run.id, { tenants: 7 })) !== "over")
        await new Promise((wake) => setTimeout(wake, 10));
    }),
  );
  expect(await driven(drivers[0] as (typeof drivers)[0], run.id)).toMatchObject({
    status: "succeeded",
    migrated: 60,
    failed: 0,
  });
  expect(drivers.flatMap(({ opened }) => opened).toSorted()).toEqual(ids.toSorted());
});

test("a tenant that somebody else is migrating is waited for, not taken", async () => {
  const home = await newRegistry(sqld);
  const [held] = (await newFleet(home, 5)) as [string];
  const until = Date.now() + 1500;
  await execute(
    home.db,
    sql`update tenants set migration_lease_until = ${until} where id = ${held}`,
  );
  const driver = newDriver(home, 3000);
  const run = await start(driver, { canaryCount: 0 });
  expect(await driven(driver, run.id)).toMatchObject({ status: "succeeded", migrated: 5 });
  expect(driver.opened.at(-1)).toBe(held);
  expect(Date.now()).toBeGreaterThanOrEqual(until);
});

test("a run that is cancelled ends after the page at hand", async () => {
  const home = await newRegistry(sqld);
  await newFleet(home, 30);
  const driver = newDriver(home);
  const run = await start(driver, { canaryCount: 4 });
  let cancelled: Promise<unknown> | undefined;
  await driveRun(driver, run.id, {
    tell: () => {
      cancelled ??= cancelRun(driver, run.id);
    },
  });
  await cancelled;
  const end = await driven(driver, run.id);
  expect(end.status).toBe("cancelled");
  expect(end.migrated).toBeLessThan(30);
  await expect(cancelRun(driver, run.id)).rejects.toMatchObject({ code: "conflict" });
  const next = await start(driver);
  expect(next.total, "and what it had done is done").toBe(30 - end.migrated);
});

test("a run stops within its bounds, and only one goes on at a time", async () => {
  const home = await newRegistry(sqld);
  await newFleet(home, 20);
  const driver = newDriver(home);
  const run = await start(driver, { canaryCount: 0 });
  await expect(start(driver)).rejects.toMatchObject({
    code: "migration_running",
    message: expect.stringContaining(run.id) as string,
  });
  expect(await driveRun(driver, run.id, { tenants: 6 })).toBe("more");
  expect(driver.opened).toHaveLength(6);
  expect(await driveRun(driver, run.id)).toBe("over");
  expect(driver.opened).toHaveLength(20);
});

test("who is behind is one look into an index", async () => {
  const { db } = await newRegistry(sqld);
  const plan = await rowsOf<{ detail: string }>(
    db,
    `explain query plan select count(*) from tenants where schema_version < ${newest}`,
  );
  expect(plan.map(({ detail }) => detail)).toEqual([
    "SEARCH tenants USING COVERING INDEX tenants_behind (schema_version<?)",
  ]);
});
