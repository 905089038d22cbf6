import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { batch } from "../../db/batch.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import { codeOf } from "../../testing/client.ts";
import { openRegistry, type openTenant } from "../../testing/databases.ts";
import { naming, newPerson, newTenant, type Person, stack } from "../../testing/harness.ts";
import { type OwnSqld, startOwnSqld } from "../../testing/own-sqld.ts";
import { type DatabaseProxy, startProxy } from "../../testing/proxy.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { openWork } from "../../testing/work.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";
import { platformAdmins } from "../admins/admins.table.ts";

// A server of its own: the clock takes up whatever waits in the registry, other tests' work too.
let sqld: OwnSqld;
let proxy: DatabaseProxy;
let worker: RunningWorker;
let registry: ReturnType<typeof openRegistry>;
let operator: Person;
beforeAll(async () => {
  sqld = await startOwnSqld(stack);
  registry = openRegistry(sqld.settings);
  proxy = await startProxy(sqld.variables);
  const settings = { ...sqld.variables, ...proxy.settings, DATABASE_TIMEOUT_MS: "1000" };
  worker = await startWorker({
    bundle: stack.bundle,
    settings: {
      ...settings,
      OPERATION_LEASE_SECONDS: "1",
      ROUTE_CACHE_SECONDS: "0",
      DELETION_GRACE_DAYS: "1",
    },
  });
  operator = await newPlatformAdminHere();
});
afterAll(async () => {
  await worker.stop();
  await proxy.stop();
  await sqld.stop();
});
let outage: ReturnType<DatabaseProxy["disturb"]> | undefined;
afterEach(() => outage?.lift());

async function newPlatformAdminHere(): Promise<Person> {
  const person = newPerson(worker.url);
  const { identityProvider, CLAIM_NAMESPACE } = sqld.settings;
  const values = { issuer: identityProvider.issuer, subject: person.subject, active: true };
  await batch(registry, "write", [
    registry.insert(platformAdmins).values({ ...values, createdAt: Date.now() }),
  ]);
  const token = await person.token({ [`${CLAIM_NAMESPACE}global_admin`]: true });
  return naming(person, { authorization: `Bearer ${token}` });
}

const newSlug = () => `t-${randomUUID().slice(0, 13)}`;
const signUp = (person: Person, slug: string) =>
  person.call("/api/v1/tenants/register", { method: "POST", body: { name: "Acme", slug } });
const cutPlatformOff = () => {
  outage = proxy.disturb({ of: ({ door }) => door === "admin", at: "request", by: "cut" });
};
type Row = { id: string; tenant_id: string; status: string; retry_at: number };
const operationOf = async (slug: string) => {
  const [row] = await rowsOf<Row>(
    registry,
    sql`select o.* from operations o
    join tenants t on t.id = o.tenant_id where t.slug = ${slug}`,
  );
  return row as Row;
};
/** As if so much time had passed. */
const later = (ms: number) =>
  execute(
    registry,
    sql`update operations set retry_at = retry_at - ${ms}, lease_until = lease_until - ${ms}`,
  );

test("a sign-up that failed goes on by itself when its time has come, and whoever asked sees when", async () => {
  const [owner, slug] = [newPerson(worker.url), newSlug()];
  cutPlatformOff();
  expect(codeOf(await signUp(owner, slug))).toBe("503 dependency_unavailable");
  const { id } = await operationOf(slug);
  const seen = await owner.call(`/api/v1/operations/${id}`);
  expect(seen.body).toMatchObject({ status: "pending", attempts: 1, undoing: false });
  const wait = Date.parse(String(seen.body["nextAttemptAt"])) - Date.now();
  expect(wait).toBeGreaterThan(1000);
  expect(wait).toBeLessThan(7000);

  outage?.lift();
  await worker.scheduled();
  expect((await operationOf(slug)).status, "not before its time").toBe("pending");
  await later(10_000);
  await worker.scheduled();
  expect((await owner.call(`/api/v1/operations/${id}`)).body).toMatchObject({
    status: "succeeded",
    attempts: 2,
    nextAttemptAt: null,
  });
  const first = await owner.call("/api/v1/users", { headers: { "x-tenant-id": slug } });
  expect(first).toMatchObject({ status: 200, body: { meta: { totalItems: 1 } } });
});

test("each failure in a row has it wait longer", async () => {
  const slug = newSlug();
  cutPlatformOff();
  await signUp(newPerson(worker.url), slug);
  const waits: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    const { retry_at } = await operationOf(slug);
    waits.push(retry_at - Date.now());
    await later(3_600_000);
    await worker.scheduled();
  }
  const [first = 0, , , fourth = 0] = waits;
  expect(fourth).toBeGreaterThan(3 * first);
});

test("what a driver that is gone left behind is taken up once its lease is over", async () => {
  const slug = newSlug();
  cutPlatformOff();
  await signUp(newPerson(worker.url), slug);
  outage?.lift();
  const held = Date.now() + 60_000;
  const { id } = await operationOf(slug);
  await execute(
    registry,
    sql`update operations set status = 'running', retry_at = 0, lease_until = ${held} where id = ${id}`,
  );
  await worker.scheduled();
  expect((await operationOf(slug)).status).toBe("running");
  await later(61_000);
  await Promise.all([worker.scheduled(), worker.scheduled()]);
  expect((await operationOf(slug)).status).toBe("succeeded");
});

test("an operator sees what waits and why, has it tried at once, or gives it up: then nothing is left of it", async () => {
  const [owner, slug] = [newPerson(worker.url), newSlug()];
  cutPlatformOff();
  await signUp(owner, slug);
  const { id, tenant_id } = await operationOf(slug);
  const list = await operator.call<{ data: object[] }>(
    `/api/v1/admin/operations?status=pending&kind=provision&tenantId=${tenant_id}`,
  );
  expect(list.body.data).toMatchObject([
    {
      id,
      error: expect.stringContaining("dependency_unavailable"),
      nextAttemptAt: expect.any(String),
    },
  ]);
  const one = `/api/v1/admin/operations/${id}`;
  expect((await operator.call(one)).body).toEqual(list.body.data[0]);

  expect(codeOf(await operator.call(`${one}/attempts`, { method: "POST" }))).toBe("202");
  expect((await operationOf(slug)).retry_at).toBe(0);
  const given = await operator.call(one, { method: "DELETE" });
  expect(given).toMatchObject({ status: 202, body: { undoing: true, status: "pending" } });
  expect(codeOf(await operator.call(one, { method: "DELETE" }))).toBe("409 conflict");

  outage?.lift();
  await worker.scheduled();
  expect((await owner.call(`/api/v1/operations/${id}`)).body).toMatchObject({
    status: "failed",
    undoing: false,
    error: "Given up by an operator",
    finishedAt: expect.any(String),
  });
  expect(codeOf(await operator.call(`${one}/attempts`, { method: "POST" }))).toBe("409 conflict");
  const { platform } = openWork(sqld.settings);
  expect(await platform.findDatabase(databaseNameOf(tenant_id))).toBeUndefined();
  expect(codeOf(await signUp(newPerson(worker.url), slug)), "the name is free again").toBe("201");
});

const deletion = (slug: string) => ({ method: "POST", body: { slug } });
/** As if the days of grace were over, for the registry and for the tenant's own stamp. */
async function graceIsOver({ id, db }: { id: string; db: Awaited<ReturnType<typeof openTenant>> }) {
  const { platform } = openWork(sqld.settings);
  const past = Date.now() - 1000;
  await execute(registry, sql`update tenants set delete_after = ${past} where id = ${id}`);
  await platform.configure(databaseNameOf(id), { blockWrites: false });
  await execute(db, sql`update tenant_identity set delete_after = ${past}`);
  await platform.configure(databaseNameOf(id), { blockWrites: true });
}

test("when its days are over a deleted tenant is destroyed, its slug is nobody's, and a receipt stays", async () => {
  const acme = await newTenant(worker.url, sqld.settings);
  await acme.owner.call("/api/v1/tenant/deletion", deletion(acme.slug));
  await worker.scheduled();
  expect(codeOf(await acme.owner.call("/api/v1/tenant")), "a day early").toBe("200");

  await graceIsOver(acme);
  await worker.scheduled();
  const { platform } = openWork(sqld.settings);
  expect(await platform.findDatabase(databaseNameOf(acme.id))).toBeUndefined();
  const receipts = await operator.call<{ data: object[] }>(
    `/api/v1/admin/operations?kind=purge&tenantId=${acme.id}`,
  );
  expect(receipts.body.data).toMatchObject([
    {
      status: "succeeded",
      output: {
        databases: [databaseNameOf(acme.id)],
        auditLog: { sequence: expect.any(Number), mac: expect.any(String) },
      },
    },
  ]);
  const admin = await operator.call(`/api/v1/admin/tenants/${acme.id}`);
  expect(admin.body).toMatchObject({ status: "deleted", slug: acme.slug });
  expect(codeOf(await signUp(newPerson(worker.url), acme.slug))).toBe("409 slug_taken");
  expect((await acme.owner.call<{ data: object[] }>("/api/v1/tenants")).body.data).toEqual([]);
});

test("who brings it back at the last moment has it, and who comes too late is told so", async () => {
  const [early, late] = [
    await newTenant(worker.url, sqld.settings),
    await newTenant(worker.url, sqld.settings),
  ];
  for (const tenant of [early, late]) {
    await tenant.owner.call("/api/v1/tenant/deletion", deletion(tenant.slug));
    await graceIsOver(tenant);
  }
  const cancel = (tenant: typeof early) =>
    tenant.owner.call("/api/v1/tenant/deletion", { method: "DELETE" });
  // The purge has begun, and has not condemned the tenant yet.
  cutPlatformOff();
  await worker.scheduled();
  outage?.lift();
  expect(codeOf(await cancel(early))).toBe("200");
  await later(3_600_000);
  await worker.scheduled();
  const operations = await rowsOf(
    registry,
    sql`select status, error from operations where kind = 'purge' and tenant_id = ${early.id}`,
  );
  expect(operations).toEqual([{ status: "failed", error: "The tenant was brought back" }]);
  expect(
    codeOf(
      await early.owner.call("/api/v1/users", {
        method: "POST",
        body: { name: "A", email: "a@acme.test" },
      }),
    ),
  ).toBe("201");
  expect(codeOf(await cancel(late))).toBe("403 tenant_forbidden");
});

test("a legal hold that comes late still keeps the tenant", async () => {
  const acme = await newTenant(worker.url, sqld.settings);
  await acme.owner.call("/api/v1/tenant/deletion", deletion(acme.slug));
  await graceIsOver(acme);
  await execute(
    registry,
    sql`update tenants set legal_hold = 'Court order 7' where id = ${acme.id}`,
  );
  await worker.scheduled();
  expect(codeOf(await acme.owner.call("/api/v1/users"))).toBe("200");
  const purges = sql`select 1 from operations where kind = 'purge' and tenant_id = ${acme.id}`;
  expect(await rowsOf(registry, purges)).toEqual([]);
});
