import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { batch } from "../../db/batch.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { codeOf } from "../../testing/client.ts";
import { openTenant } from "../../testing/databases.ts";
import {
  firstVersion,
  newFleet,
  newRegistry,
  type OwnRegistry,
  slugOf,
} from "../../testing/fleet.ts";
import { naming, newPerson, settings, stack } from "../../testing/harness.ts";
import { type OwnSqld, startOwnSqld } from "../../testing/own-sqld.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";
import { platformAdmins } from "../admins/admins.table.ts";
import type { Migration, MigrationFailure, MigrationPlan } from "./migrations.schema.ts";

let sqld: OwnSqld;
beforeAll(async () => {
  sqld = await startOwnSqld(stack);
});
afterAll(() => sqld.stop());

const newest = tenantMigrations.length;
const path = "/api/v1/admin/migrations";

/** A Worker with a registry of its own, and somebody who runs the platform there. */
async function withWorker(
  work: (world: {
    home: OwnRegistry;
    worker: RunningWorker;
    operator: ReturnType<typeof newPerson>;
  }) => Promise<void>,
) {
  const home = await newRegistry(sqld);
  const worker = await startWorker({ bundle: stack.bundle, settings: home.variables });
  try {
    await work({ home, worker, operator: await operatorOf(home, worker) });
  } finally {
    await worker.stop();
  }
}

async function operatorOf({ db }: OwnRegistry, { url }: RunningWorker) {
  const person = newPerson(url);
  const { identityProvider, CLAIM_NAMESPACE } = settings;
  const row = { issuer: identityProvider.issuer, subject: person.subject, active: true };
  await batch(db, "write", [db.insert(platformAdmins).values({ ...row, createdAt: Date.now() })]);
  const token = await person.token({ [`${CLAIM_NAMESPACE}global_admin`]: true });
  return naming(person, { authorization: `Bearer ${token}` });
}

const post = (body: unknown = {}, headers = {}) => ({ method: "POST", body, headers });
const behindIn = async ({ db }: OwnRegistry) =>
  (await rowsOf(db, sql`select id from tenants where schema_version < ${newest}`)).length;

test("an operator starts a run, is told where to look, and the Worker drives it on by itself", () =>
  withWorker(async ({ home, operator, worker }) => {
    const ids = await newFleet(home, 12);
    const once = { "idempotency-key": "release-7" };
    const started = await operator.call<Migration>(path, post({ canaryCount: 1 }, once));
    expect(started).toMatchObject({
      status: 202,
      body: {
        status: "running",
        total: 12,
        target: newest,
        startedBy: { issuer: settings.identityProvider.issuer, subject: operator.subject },
        options: { only: null, canaries: [ids[0]], haltAfter: { percent: 5 } },
        next: "1 more of the wave canary, then the wave 1%",
      },
    });
    const { location = "" } = started.headers;
    expect(location).toBe(`${path}/${started.body.id}`);
    const now = async () => (await operator.call<Migration>(location)).body;
    await expect.poll(now, { timeout: 10_000 }).toMatchObject({
      status: "succeeded",
      migrated: 12,
      failed: 0,
      finishedAt: expect.any(String) as string,
    });
    expect(await behindIn(home)).toBe(0);
    const repeated = await operator.call<Migration>(path, post({ canaryCount: 1 }, once));
    expect(repeated.body.id, "a repetition is the same run").toBe(started.body.id);
    const list = await operator.call<{ data: Migration[] }>(path);
    expect(list.body.data.map(({ id }) => id)).toEqual([started.body.id]);
    expect(worker.lines.filter(({ level }) => level === "error")).toEqual([]);
    const log = sql`select action, actor_type, actor_id from audit_logs where entity = 'migration_runs' order by sequence limit 1`;
    expect(await rowsOf(home.db, log)).toEqual([
      {
        action: "INSERT",
        actor_type: "operator",
        actor_id: expect.stringContaining(operator.subject),
      },
    ]);
  }));

test("what an invocation did not get done, the next call of the clock does", () =>
  withWorker(async ({ home, operator, worker }) => {
    const ids = await newFleet(home, 8);
    const run = `insert into migration_runs (id, status, target, options, subject, total, created_at, updated_at)
      values ('mig_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d', 'running', ${newest}, '{"only":null,"canaries":["${ids[3]}"],"haltAfter":{"percent":5}}', 'cli', 8, 1, 1)`;
    await execute(home.db, run);
    const taken = await operator.call(path, post());
    expect(codeOf(taken)).toBe("409 migration_running");
    expect(taken.body["detail"]).toContain("mig_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d");
    expect(await behindIn(home), "nothing but the clock calls").toBe(8);
    await worker.scheduled();
    expect(await behindIn(home)).toBe(0);
    await expect
      .poll(() => worker.lines)
      .toContainEqual(
        expect.objectContaining({ event: "job", job: "migrate_fleet", migrated: 8, failed: 0 }),
      );
    expect(codeOf(await operator.call(path, post({ canaryCount: 0 })))).toBe("202");
  }));

test("a dry run says who it would be, and touches nobody", () =>
  withWorker(async ({ home, operator }) => {
    const [first = "", second = "", third = ""] = await newFleet(home, 3);
    const plan = await operator.call<MigrationPlan>(
      path,
      post({ dryRun: true, only: [slugOf(first), third], canaries: [third, second] }),
    );
    const tenant = (id: string) => ({ id, slug: slugOf(id), schemaVersion: firstVersion });
    expect(plan).toMatchObject({ status: 200, body: { target: newest, total: 2 } });
    expect(plan.body.tenants).toEqual([tenant(first), tenant(third)]);
    expect(plan.body.canaries, "who is not asked for is no canary").toEqual([third]);
    expect(plan.body.waves.map(({ size }) => size)).toEqual([1, 1, 0, 0]);
    expect(await rowsOf(home.db, "select * from migration_runs")).toEqual([]);
    expect(await behindIn(home)).toBe(3);
    const typo = await operator.call(path, post({ only: [first, "no-such-tenant"] }));
    expect(codeOf(typo)).toBe("400 invalid_request");
    expect(typo.body["detail"]).toContain("no-such-tenant");
  }));

test("a halted run lists who failed, goes on when told to, and ends when told to", () =>
  withWorker(async ({ home, operator }) => {
    const ids = await newFleet(home, 20);
    const broken = ids.slice(0, 3);
    for (const id of broken)
      await execute(await openTenant(home.settings, id), "drop table account_members");
    const { body } = await operator.call<Migration>(path, post({ canaryCount: 3 }));
    const at = `${path}/${body.id}`;
    const status = async () => (await operator.call<Migration>(at)).body.status;
    await expect.poll(status, { timeout: 10_000 }).toBe("halted");
    expect(await behindIn(home)).toBe(20);

    type Page = { data: MigrationFailure[]; meta: { totalItems: number; nextCursor: string } };
    const page = await operator.call<Page>(`${at}/failures?limit=2&sortOrder=asc`);
    const cursor = page.body.meta.nextCursor;
    const rest = await operator.call<Page>(`${at}/failures?limit=2&sortOrder=asc&cursor=${cursor}`);
    expect(page.body.meta.totalItems).toBe(3);
    const listed = [...page.body.data, ...rest.body.data];
    expect(listed.map(({ tenantId }) => tenantId).toSorted()).toEqual(broken);
    expect(listed[0]).toMatchObject({
      schemaVersion: firstVersion,
      error: expect.stringMatching(/^migration_refused: /) as string,
    });

    expect(codeOf(await operator.call(`${at}/resumption`, { method: "POST" }))).toBe("200");
    await expect.poll(status, { timeout: 10_000 }).toBe("succeeded");
    expect(await behindIn(home), "all but those that failed").toBe(3);
    const again = await operator.call(`${at}/resumption`, { method: "POST" });
    expect(codeOf(again)).toBe("409 conflict");

    const next = await operator.call<Migration>(path, post({ canaryCount: 3 }));
    const end = `${path}/${next.body.id}/cancellation`;
    const where = async () =>
      (await operator.call<Migration>(`${path}/${next.body.id}`)).body.status;
    await expect.poll(where, { timeout: 10_000 }).toBe("halted");
    expect(await operator.call(end, { method: "POST" })).toMatchObject({
      status: 200,
      body: { status: "cancelled" },
    });
    expect(codeOf(await operator.call(end, { method: "POST" }))).toBe("409 conflict");
    const nobodys = `${path}/mig_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d`;
    for (const found of ["", "/failures"])
      expect(codeOf(await operator.call(nobodys + found))).toBe("404 not_found");
  }));
