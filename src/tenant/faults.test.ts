import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { databaseNameOf } from "../platform/platform.ts";
import { newPerson, newTenant, stack, type TestTenant } from "../testing/harness.ts";
import { judged, unavailable } from "../testing/outage.ts";
import { type OwnSqld, startOwnSqld } from "../testing/own-sqld.ts";
import { never, once, stored } from "../testing/stored.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";

const newUser = (email = `${randomUUID()}@acme.test`) => ({
  method: "POST",
  headers: { "x-request-id": randomUUID() },
  body: { name: "Ada", email },
});

let sqld: OwnSqld;
const workers: RunningWorker[] = [];
const start = async () => {
  const worker = await startWorker({ bundle: stack.bundle, settings: sqld.variables });
  workers.push(worker);
  return worker;
};

beforeAll(async () => {
  sqld = await startOwnSqld(stack);
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await sqld.stop();
});

test("frozen, it costs everyone a 503 within five seconds, and thawed it serves at once", async () => {
  const [warm, cold] = await Promise.all([start(), start()]);
  const acme = await newTenant(warm.url, sqld.settings);
  const { owner } = acme;
  expect((await owner.call("/api/v1/users")).status).toBe(200);

  sqld.signal("SIGSTOP");
  onTestFinished(() => sqld.signal("SIGCONT"));
  const create = newUser();
  const requests = [warm, cold].flatMap(({ url }) => [
    owner.call(`${url}/api/v1/users`),
    owner.call(`${url}/api/v1/users`, create),
    owner.call(`${url}/api/v1/users`, { method: "POST", body: { name: "" } }),
    owner.call(`${url}/api/v1/auth/me`),
    newPerson().call(`${url}/api/v1/tenants`),
    newPerson().call(`${url}/api/v1/users`, { headers: { "x-tenant-id": acme.slug } }),
    newPerson().call(`${url}/api/v1/tenants/register`, {
      method: "POST",
      body: { name: "New", slug: `t-${randomUUID().slice(0, 13)}` },
    }),
  ]);
  const queue = Array.from({ length: 12 }, () => owner.call("/api/v1/users", newUser()));
  const [answers, ready, health] = await Promise.all([
    Promise.all([...requests, ...queue].map(judged)),
    judged(newPerson().call(`${cold.url}/ready`)),
    judged(newPerson().call(`${cold.url}/health`)),
  ]);
  sqld.signal("SIGCONT");

  expect(answers).toEqual(answers.map(() => unavailable));
  expect(ready).toMatchObject({ status: 503, inTime: true, comeBack: true });
  expect(health).toMatchObject({ status: 200, inTime: true });
  for (const { url } of [warm, cold]) {
    expect((await owner.call(`${url}/api/v1/users`)).status).toBe(200);
    expect((await owner.call(`${url}/api/v1/users`, newUser())).status).toBe(201);
  }
  // Two refused writes of one address: the server may yet have done one of them, whole.
  expect([once, never]).toContainEqual(await stored(acme, create.body.email));
});

test("killed amid 200 creates, it has stored and audited just once whatever was acknowledged", async () => {
  const { url } = await start();
  const tenants = await Promise.all([0, 1, 2].map(() => newTenant(url, sqld.settings)));
  const acknowledged = new Map<string, string[]>();
  const failures: object[] = [];
  let begun = 0;
  let running = Promise.resolve();

  async function create(tenant: TestTenant) {
    const work = tenant.owner.call<{ id: string }>("/api/v1/users", newUser());
    const [{ status, body }, verdict] = await Promise.all([work, judged(work)]);
    if (status === 201)
      acknowledged.set(tenant.id, [...(acknowledged.get(tenant.id) ?? []), body.id]);
    else failures.push(verdict);
  }
  async function client() {
    for (let turn = begun++; turn < 200; turn = begun++) {
      if (turn === 60 || turn === 130) {
        sqld.signal("SIGKILL");
        running = sqld.restart();
      }
      await create(tenants[turn % tenants.length] as TestTenant);
      await running;
    }
  }
  await Promise.all(Array.from({ length: 8 }, client));

  expect(failures, "the kill hit something").not.toEqual([]);
  expect(failures).toEqual(failures.map(() => unavailable));
  let unsaid = 0;
  for (const tenant of tenants) {
    const ids = await wholeUsers(tenant);
    const expected = acknowledged.get(tenant.id) ?? [];
    expect(expected.filter((id) => !ids.has(id))).toEqual([]);
    unsaid += ids.size - expected.length;
  }
  expect([...acknowledged.values()].flat().length).toBe(200 - failures.length);
  expect(unsaid).toBeLessThanOrEqual(failures.length);
});

/** The users created in a tenant, after a look that each is whole, and nothing lies about besides. */
async function wholeUsers({ db, owner }: TestTenant) {
  const rows = await db.all<{ id: string }>(sql`select id,
      (select count(*) from account_members where user_id = users.id) as members,
      (select count(*) from audit_logs where action = 'INSERT'
        and (entity_id = users.id or entity_id like '%:' || users.id)) as audit
      from users where id <> ${owner.userId}`);
  expect(rows).toEqual(rows.map(({ id }) => ({ id, members: 1, audit: 2 })));
  const left = await db.all(sql`select (select count(*) from audit_context) as context,
      (select count(*) from audit_logs where entity = 'users'
        and entity_id not in (select id from users)) as orphans`);
  expect(left).toEqual([{ context: 0, orphans: 0 }]);
  return new Set(rows.map(({ id }) => id));
}

test("closed for writes by its keeper, a database costs a write two trips and a 503, and still reads", async () => {
  const { url, lines } = await start();
  const acme = await newTenant(url, sqld.settings);
  await acme.owner.call("/api/v1/users");
  await sqld.configure(databaseNameOf(acme.id), { block_reads: false, block_writes: true });
  const create = newUser();
  expect(await judged(acme.owner.call("/api/v1/users", create))).toEqual(unavailable);
  expect((await acme.owner.call("/api/v1/users")).status).toBe(200);
  const line = () => lines.find((each) => each["requestId"] === create.headers["x-request-id"]);
  await expect.poll(line).toMatchObject({ status: 503, trips: 2 });
});
