import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "./core/id.ts";
import { batch } from "./db/batch.ts";
import { databaseNameOf } from "./platform/platform.ts";
import { idempotencyKeys as registryKeys } from "./registry/idempotency/idempotency.table.ts";
import { idempotencyKeys } from "./tenant/idempotency/idempotency.table.ts";
import { userSessions } from "./tenant/sessions/sessions.table.ts";
import { openRegistry } from "./testing/databases.ts";
import { stack, type TestTenant } from "./testing/harness.ts";
import { type OwnSqld, startOwnSqld } from "./testing/own-sqld.ts";
import { type DatabaseProxy, type Passage, startProxy } from "./testing/proxy.ts";
import { execute, rowsOf } from "./testing/raw-sql.ts";
import { fillLog, newSeenTenant, verify } from "./testing/sealing.ts";
import { type RunningWorker, startWorker } from "./testing/worker.ts";
import { startMortalWorker } from "./testing/worker-process.ts";

// A server of its own: the job visits whoever is in the registry, other tests' tenants too.
let sqld: OwnSqld;
let proxy: DatabaseProxy;
let worker: RunningWorker;
let registry: ReturnType<typeof openRegistry>;
beforeAll(async () => {
  sqld = await startOwnSqld(stack);
  registry = openRegistry(sqld.settings);
  proxy = await startProxy(sqld.variables);
  worker = await startWorker({ bundle: stack.bundle, settings: variables() });
});
afterAll(async () => {
  await worker.stop();
  await proxy.stop();
  await sqld.stop();
});
const variables = () => ({ ...sqld.variables, ...proxy.settings, DATABASE_TIMEOUT_MS: "2000" });

const dayMs = 86_400_000;
const newCustomer = () => newSeenTenant(worker.url, sqld.settings);
/** One by one: fifteen sign-ups at once are no part of what is shown here. */
async function newCustomers(many: number): Promise<TestTenant[]> {
  const made: TestTenant[] = [];
  while (made.length < many) made.push(await newCustomer());
  return made;
}
type Head = { sequence: number; links: number; mac: string; sealed_at: number };
async function headOf({ id }: TestTenant): Promise<Head | undefined> {
  const [head] = await rowsOf<Head>(
    registry,
    sql`select * from audit_heads where tenant_id = ${id}`,
  );
  return head;
}
/** The lines that a call of the clock leaves in the log. */
async function calledByTheClock(): Promise<Record<string, unknown>[]> {
  const from = worker.lines.length;
  await worker.scheduled();
  const jobs = () => worker.lines.slice(from).filter(({ event }) => event !== "request");
  await expect.poll(jobs).toContainEqual(expect.objectContaining({ job: "look_after_tenants" }));
  return jobs();
}

test("the clock has every tenant's log sealed, and says so in one line", async () => {
  const tenants = await newCustomers(15);
  const [acme] = tenants as [TestTenant];
  expect(await headOf(acme)).toMatchObject({ sequence: 0, links: 0, mac: "", sealed_at: 0 });
  await fillLog(acme.db, 1200);
  const began = Date.now();
  const lines = await calledByTheClock();
  expect(lines).toContainEqual({
    level: "info",
    event: "job",
    job: "look_after_tenants",
    requestId: expect.stringMatching(/^look_after_tenants-/) as string,
    ms: expect.any(Number) as number,
    trips: expect.any(Number) as number,
    tenants: 15,
    failed: 0,
    rows: 1200 + 15 * 7,
    mails: 0,
    deleted: 0,
  });
  for (const tenant of tenants) {
    const found = await verify(tenant.owner);
    expect(found).toMatchObject({ status: "intact", unsealed: 0, verified: found.rows });
    expect(Date.parse(found.sealedAt ?? "")).toBeGreaterThanOrEqual(began);
  }
  const again = await calledByTheClock();
  expect(again).toContainEqual(expect.objectContaining({ tenants: 15, failed: 0 }));
});

test("a tenant whose database is broken stops no other, and is named in the log without a secret", async () => {
  const [acme, cut, gone, unreadable] = (await newCustomers(4)) as [
    TestTenant,
    TestTenant,
    TestTenant,
    TestTenant,
  ];
  await calledByTheClock();
  await execute(cut.db, "delete from audit_links where sequence > 3");
  await execute(gone.db, "drop table audit_links");
  await execute(registry, sql`update tenants set sealed_token = 'x' where id = ${unreadable.id}`);
  const heads = await Promise.all([cut, gone, unreadable].map(headOf));
  for (const { db } of [acme, cut, gone, unreadable]) await fillLog(db, 10);
  const lines = await calledByTheClock();
  const failures = lines.filter(({ event }) => event === "job_failed_at_tenant");
  expect(new Map(failures.map(({ tenantId, code }) => [tenantId, code]))).toEqual(
    new Map([
      [cut.id, "internal_error"],
      [gone.id, "internal_error"],
      [unreadable.id, "tenant_credentials_unreadable"],
    ]),
  );
  expect(failures.find(({ tenantId }) => tenantId === cut.id)?.["causes"]).toEqual([
    expect.stringMatching(/^ChainCut: /),
  ]);
  expect(lines).toContainEqual(expect.objectContaining({ event: "job", failed: 3 }));
  const secrets = ["GLOBAL_AUTH_TOKEN", "SECRET_KEY", "ENCRYPTION_KEY", "SQLD_JWT_KEY"];
  for (const name of secrets)
    expect(JSON.stringify(lines), name).not.toContain(sqld.variables[name]?.replace(/^k1:/, ""));
  expect(await verify(acme.owner)).toMatchObject({ status: "intact", unsealed: 0 });
  expect((await verify(cut.owner)).broken).toMatchObject({ finding: "cut", sequence: 4 });

  const after = await Promise.all([cut, gone, unreadable].map(headOf));
  for (const [i, head] of after.entries()) {
    const { sealed_at: before, ...kept } = heads[i] as Head;
    expect(head).toMatchObject(kept);
    expect(head?.sealed_at, "it waits for its next turn").toBeGreaterThan(before);
  }
});

test("a database that hangs takes its own time and nobody else's", async () => {
  const [acme, stuck] = (await newCustomers(2)) as [TestTenant, TestTenant];
  const namespace = databaseNameOf(stuck.id);
  const hang = proxy.disturb({
    of: (passage) => passage.namespace === namespace,
    at: "request",
    by: "hold",
  });
  const lines = await calledByTheClock();
  hang.lift();
  expect(lines).toContainEqual(
    expect.objectContaining({
      event: "job_failed_at_tenant",
      tenantId: stuck.id,
      code: "dependency_unavailable",
    }),
  );
  expect(await verify(acme.owner)).toMatchObject({ status: "intact", unsealed: 0 });
});

test("a Worker that dies between two pages, or before the registry knows, leaves a chain that goes on", async () => {
  const acme = await newCustomer();
  await fillLog(acme.db, 1800);
  const namespace = databaseNameOf(acme.id);
  const sealsLog = (passage: Passage) =>
    passage.namespace === namespace && passage.body.includes("json_each");
  for (const page of [1, 2]) {
    const mortal = await startMortalWorker({ bundle: stack.bundle, settings: variables() });
    const lost = proxy.disturb({ of: sealsLog, at: "reply", by: "hold" });
    mortal.scheduled().catch(() => {});
    await lost.first;
    mortal.kill();
    lost.lift();
    await mortal.stop();
    const [row] = await rowsOf(acme.db, "select count(*) as links from audit_links");
    expect(row).toEqual({ links: 500 * page });
    expect(await headOf(acme)).toMatchObject({ sequence: 0, links: 0 });
    expect(await verify(acme.owner)).toMatchObject({ status: "intact", verified: 500 * page });
  }
  await calledByTheClock();
  expect(await headOf(acme)).toMatchObject({ sequence: 1807, links: 1807 });
  expect(await verify(acme.owner)).toMatchObject({ status: "intact", verified: 1807 });
});

test("clocks that call at once do the same work without harm", async () => {
  const tenants = await newCustomers(6);
  for (const { db } of tenants) await fillLog(db, 800);
  const other = await startWorker({ bundle: stack.bundle, settings: variables() });
  await Promise.all([worker.scheduled(), other.scheduled(), worker.scheduled()]);
  const ids = tenants.map(({ id }) => id as unknown);
  const failures = [...worker.lines, ...other.lines].filter(({ tenantId }) =>
    ids.includes(tenantId),
  );
  expect(failures.filter(({ event }) => event === "job_failed_at_tenant")).toEqual([]);
  await other.stop();
  await calledByTheClock();
  for (const { owner } of tenants)
    expect(await verify(owner)).toMatchObject({ status: "intact", verified: 807, unsealed: 0 });
});

test("a tenant without a head gets one, one that is being set up is left alone, a suspended one is not", async () => {
  const [acme, unfinished, suspended] = (await newCustomers(3)) as [
    TestTenant,
    TestTenant,
    TestTenant,
  ];
  await execute(
    registry,
    sql`delete from audit_heads where tenant_id = ${acme.id}`,
    sql`update tenants set status = 'provisioning' where id = ${unfinished.id}`,
    sql`update tenants set status = 'suspended' where id = ${suspended.id}`,
  );
  await calledByTheClock();
  expect((await headOf(acme))?.sequence).toBeGreaterThan(5);
  expect((await headOf(suspended))?.sequence).toBeGreaterThan(5);
  expect(await headOf(unfinished)).toMatchObject({ sequence: 0, sealed_at: 0 });
  await execute(registry, sql`update tenants set status = 'active' where id = ${unfinished.id}`);
});

test("what is spent is thrown away, and nothing else", async () => {
  const { db, owner } = await newCustomer();
  const now = Date.now();
  const session = (name: string, seenDaysAgo: number, revokedDaysAgo?: number) => ({
    id: newId("session"),
    userId: owner.userId,
    sid: name,
    firstSeenAt: 1,
    lastSeenAt: now - seenDaysAgo * dayMs,
    revokedAt: revokedDaysAgo === undefined ? null : now - revokedDaysAgo * dayMs,
  });
  const key = (id: string, expiresAt: number) => ({
    id,
    fingerprint: "",
    results: "[]",
    expiresAt,
  });
  await batch(db, "write", [
    db
      .insert(userSessions)
      .values([
        session("seen today", 0),
        session("seen 89 days ago", 89),
        session("not seen for 91 days", 91),
        session("revoked yesterday", 300, 1),
        session("revoked 399 days ago", 500, 399),
        session("revoked 401 days ago", 500, 401),
      ]),
    db.insert(idempotencyKeys).values([key("expired", now - 1), key("good", now + dayMs)]),
  ]);
  await batch(registry, "write", [
    registry.insert(registryKeys).values([key("expired", now - 1), key("good", now + dayMs)]),
  ]);
  const lines = await calledByTheClock();
  expect(lines).toMatchObject([
    { job: "forget_idempotency_keys", deleted: 1 },
    ...lines.slice(1, -1),
    { job: "look_after_tenants", deleted: 3 },
  ]);

  const sids = await rowsOf<{ sid: string }>(
    db,
    "select sid from user_sessions where sid not like 'sid:%' order by last_seen_at desc, sid",
  );
  expect(sids.map(({ sid }) => sid)).toEqual([
    "seen today",
    "seen 89 days ago",
    "revoked yesterday",
    "revoked 399 days ago",
  ]);
  expect(await rowsOf(db, "select id from idempotency_keys")).toEqual([{ id: "good" }]);
  expect(await rowsOf(registry, "select id from idempotency_keys")).toEqual([{ id: "good" }]);
  const removals = await rowsOf(
    db,
    "select actor_type, actor_id, entity from audit_logs where action = 'DELETE'",
  );
  expect(removals).toEqual(
    Array.from({ length: 2 }, () => ({
      actor_type: "system",
      actor_id: "system",
      entity: "user_sessions",
    })),
  );
  expect(await rowsOf(db, "select * from audit_context")).toEqual([]);
});

test("while the registry is down the jobs say so, and the next call makes up for it", async () => {
  const acme = await newCustomer();
  await sqld.configure("registry", { block_reads: true, block_writes: true });
  const lines = await calledByTheClock();
  const { status, body } = await acme.owner.call("/api/v1/audit-logs/verification");
  await sqld.configure("registry", { block_reads: false, block_writes: false });
  expect(lines.map(({ level, event }) => ({ level, event }))).toEqual(
    lines.map(() => ({ level: "error", event: "job_failed" })),
  );
  const failed = ["forget_idempotency_keys", "resume_operations", "look_after_tenants"];
  expect(lines.map(({ job }) => job)).toEqual(expect.arrayContaining(failed));
  expect([status, body["code"]]).toEqual([503, "dependency_unavailable"]);
  await calledByTheClock();
  expect(await verify(acme.owner)).toMatchObject({ status: "intact", unsealed: 0 });
});

test("a deployment that lacks a setting says which, and does nothing", async () => {
  const { SECRET_KEY: _, ...settings } = sqld.variables;
  const misconfigured = await startWorker({ bundle: stack.bundle, settings });
  await misconfigured.scheduled();
  await expect
    .poll(() => misconfigured.lines)
    .toEqual([{ level: "error", event: "config_invalid", detail: "SECRET_KEY is missing" }]);
  await misconfigured.stop();
});
