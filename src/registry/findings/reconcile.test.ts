import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newId } from "../../core/id.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import { createJobScopes } from "../../ports.jobs.ts";
import { openRegistry, testBudget } from "../../testing/databases.ts";
import { newTenant, stack, type TestTenant } from "../../testing/harness.ts";
import { type OwnSqld, startOwnSqld } from "../../testing/own-sqld.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";
import type { JobScope } from "../scope.ts";
import { listFindings } from "./findings.service.ts";
import { reconcile } from "./reconcile.service.ts";

// A server of its own: every tenant in the registry is looked at.
let sqld: OwnSqld;
let worker: RunningWorker;
let registry: ReturnType<typeof openRegistry>;
const dayMs = 86_400_000;
const failures: unknown[] = [];
/** What the platform's list has, beside nothing: sqld itself has none. */
let names: string[] | undefined;

beforeAll(async () => {
  sqld = await startOwnSqld(stack);
  registry = openRegistry(sqld.settings);
  worker = await startWorker({ bundle: stack.bundle, settings: sqld.variables });
});
afterAll(async () => {
  await worker.stop();
  await sqld.stop();
});
beforeEach(async () => {
  failures.length = 0;
  names = undefined;
  await execute(registry, "delete from findings", "delete from databases", "delete from tenants");
});

function jobScope(): JobScope {
  const scope = createJobScopes(sqld.settings, testBudget())("test");
  const given = names;
  const listDatabases = () => (given ? all(given) : undefined);
  const failed: JobScope["failed"] = (_, error) => failures.push(error);
  return { ...scope, platform: { ...scope.platform, listDatabases }, failed };
}
async function* all(given: readonly string[]) {
  for (const name of given) yield { name, host: null };
}
const sweep = async () => {
  await execute(registry, "update chores set started_at = 1");
  return await reconcile(jobScope());
};
const found = async () => {
  const query = { page: 1, limit: 100, sortBy: "firstSeenAt", sortOrder: "asc" } as const;
  const { data } = await listFindings(jobScope(), query);
  return data.map(({ kind, subject, quarantinedAt }) =>
    [kind, subject, quarantinedAt ? "closed" : "open"].join(" "),
  );
};
const newCustomer = () => newTenant(worker.url, sqld.settings);
const works = async ({ owner }: TestTenant) => (await owner.call("/api/v1/users")).status;
const exists = async (name: string) => (await jobScope().platform.findDatabase(name)) !== undefined;
/** A database of the tenant's beside its present one, stamped with `stamp` if that is given. */
async function another(
  { id }: TestTenant,
  stamp?: string,
  state = "former",
  name = `${databaseNameOf(id)}-${randomUUID().slice(0, 8)}`,
) {
  const scope = jobScope();
  await scope.platform.ensureDatabase({ name });
  const { token } = await scope.platform.mintToken(name);
  const db = scope.openTenant({ ...scope.platform.locate(name, null), token }, id, 10_000);
  if (stamp)
    await execute(
      db,
      "create table tenant_identity (tenant_id text, name text)",
      "create table __drizzle_migrations (hash text)",
      `insert into tenant_identity values ('${stamp}', 'x')`,
    );
  const old = Date.now() - 2 * 3_600_000;
  if (state !== "unwritten")
    await execute(
      registry,
      sql`insert into databases (name, tenant_id, state, keep_until, created_at, updated_at)
        values (${name}, ${id}, ${state}, ${old}, ${old}, ${old})`,
    );
  return name;
}
const ageQuarantine = (days: number) =>
  execute(registry, `update findings set quarantined_at = quarantined_at - ${days * dayMs}`);

test("a registry and a platform that agree give nothing to find", async () => {
  const acme = await newCustomer();
  names = [databaseNameOf(acme.id), "registry", "somebody-elses"];
  expect(await sweep()).toEqual({ findings: 0, cleared: 0, quarantined: 0, removed: 0 });
  expect(failures).toEqual([]);
});

test("each disagreement is found, is told once and is forgotten once it is over", async () => {
  const [lost, astray, stuck] = [await newCustomer(), await newCustomer(), await newCustomer()];
  const ghost = `${databaseNameOf(lost.id)}-ghost`;
  const stranger = databaseNameOf(newId("tenant"));
  const outlived = await another(lost, lost.id);
  const abandoned = await another(lost, undefined, "made");
  await execute(
    registry,
    sql`insert into databases (name, tenant_id, state, created_at, updated_at)
      values (${ghost}, ${lost.id}, 'former', 1, 1)`,
    sql`update databases set state = 'made', created_at = ${Date.now()} where tenant_id = ${astray.id}`,
    sql`update operations set status = 'pending', failures = 3, error = 'it will not', created_at = 1
      where tenant_id = ${stuck.id}`,
    sql`update operation_steps set finished_at = 1`,
  );
  names = [databaseNameOf(lost.id), outlived, abandoned, stranger, "tnt-not-ours", "registry"];
  const [operation] = await rowsOf<{ id: string }>(
    registry,
    sql`select id from operations where tenant_id = ${stuck.id}`,
  );
  const expected = [
    `database_missing ${ghost} open`,
    `database_unknown ${stranger} open`,
    `database_abandoned ${abandoned} open`,
    `database_outlived ${outlived} open`,
    `pointer_astray ${astray.id} open`,
    `operation_stuck ${operation?.id} open`,
  ];
  expect(await sweep()).toMatchObject({ findings: 6, quarantined: 0, removed: 0 });
  expect(new Set(await found())).toEqual(new Set(expected));
  const [first] = await rowsOf(registry, "select min(first_seen_at) as at from findings");
  await sweep();
  const [again] = await rowsOf(registry, "select min(first_seen_at) as at from findings");
  expect(again).toEqual(first);

  await execute(
    registry,
    sql`delete from databases where name in (${ghost}, ${abandoned}, ${outlived})`,
    sql`update databases set state = 'current'`,
    sql`update operations set status = 'succeeded'`,
  );
  names = [];
  expect(await sweep()).toMatchObject({ findings: 0, cleared: 6 });
  expect(await found()).toEqual([]);
  expect(await works(lost)).toBe(200);
});

test("what is nobody's is closed when it is seen again, and destroyed days later; the tenant goes on", async () => {
  const acme = await newCustomer();
  const outlived = await another(acme, acme.id);
  const unstamped = await another(acme, undefined, "made");
  const unwritten = await another(acme, acme.id, "unwritten");
  const short = `tnt-${acme.id.slice(-12)}-${randomUUID().replaceAll("-", "").slice(0, 20)}`;
  await another(acme, acme.id, "unwritten", short);
  const gone = [outlived, unstamped, unwritten, short];
  names = [databaseNameOf(acme.id), ...gone];
  expect(await sweep()).toMatchObject({ findings: 4, quarantined: 0 });
  expect(await sweep()).toMatchObject({ findings: 4, quarantined: 4, removed: 0 });
  expect((await found()).filter((line) => line.endsWith("closed"))).toHaveLength(4);
  await ageQuarantine(13);
  expect(await sweep()).toMatchObject({ quarantined: 0, removed: 0 });
  for (const name of gone) expect(await exists(name), name).toBe(true);
  await ageQuarantine(2);
  expect(await sweep()).toMatchObject({ removed: 4 });
  for (const name of gone) expect(await exists(name), name).toBe(false);
  expect(await works(acme)).toBe(200);
  const states = await rowsOf(registry, sql`select state from databases where name = ${outlived}`);
  expect(states).toEqual([{ state: "gone" }]);
});

test("what may be another's is reported and never touched", async () => {
  const acme = await newCustomer();
  const stamped = await another(acme, newId("tenant"));
  const unproved = await another(acme, undefined, "unwritten");
  const elsewhere = databaseNameOf(newId("tenant"));
  const busy = await another(acme, acme.id);
  await jobScope().platform.ensureDatabase({ name: elsewhere });
  names = [databaseNameOf(acme.id), stamped, unproved, elsewhere, busy];
  await execute(
    registry,
    sql`update operations set status = 'running' where tenant_id = ${acme.id}`,
  );
  await sweep();
  await sweep();
  expect(await found()).not.toContainEqual(expect.stringMatching(/closed$/));
  await execute(registry, "update operations set status = 'succeeded'");
  expect(await sweep()).toMatchObject({ quarantined: 1 });
  await ageQuarantine(100);
  expect(await sweep()).toMatchObject({ removed: 1 });
  expect(await exists(busy)).toBe(false);
  for (const name of [stamped, unproved, elsewhere]) expect(await exists(name), name).toBe(true);
});

test("a closed database that turns out to be in use is open again", async () => {
  const acme = await newCustomer();
  const name = await another(acme, acme.id);
  await sweep();
  expect(await sweep()).toMatchObject({ quarantined: 1 });
  const look = async () => {
    const scope = jobScope();
    const { token } = await scope.platform.mintToken(name);
    const db = scope.openTenant({ ...scope.platform.locate(name, null), token }, acme.id, 5000);
    return await rowsOf(db, "select tenant_id from tenant_identity");
  };
  await expect(look()).rejects.toThrow();
  await execute(registry, sql`update databases set keep_until = null where name = ${name}`);
  expect(await sweep()).toMatchObject({ cleared: 1 });
  expect(await look()).toEqual([{ tenant_id: acme.id }]);
});

test("one database that cannot be asked about stops no other, and clears no finding", async () => {
  const [acme, globex] = [await newCustomer(), await newCustomer()];
  const ghost = `${databaseNameOf(globex.id)}-ghost`;
  await execute(
    registry,
    sql`insert into databases (name, tenant_id, state, created_at, updated_at)
      values (${ghost}, ${globex.id}, 'former', 1, 1)`,
  );
  await sweep();
  await execute(registry, "update chores set started_at = 1");
  const scope = jobScope();
  const findDatabase: typeof scope.platform.findDatabase = (name) =>
    name === databaseNameOf(acme.id)
      ? Promise.reject(new Error("It will not say"))
      : scope.platform.findDatabase(name);
  await execute(registry, sql`delete from databases where name = ${ghost}`);
  const done = await reconcile({ ...scope, platform: { ...scope.platform, findDatabase } });
  expect(done).toMatchObject({ findings: 0, cleared: 0 });
  expect(failures).toHaveLength(1);
  expect(await found()).toHaveLength(1);
});

test("of clocks that call at once one looks, and once an hour", async () => {
  await newCustomer();
  await execute(registry, "delete from chores");
  const ghost = sql`insert into databases (name, tenant_id, state, created_at, updated_at)
    select 'tnt-ghost', id, 'former', 1, 1 from tenants`;
  await execute(registry, ghost);
  const runs = await Promise.all([1, 2, 3].map(() => reconcile(jobScope())));
  expect(runs.map(({ findings }) => findings).sort()).toEqual([0, 0, 1]);
  expect(await reconcile(jobScope())).toMatchObject({ findings: 0 });
});
