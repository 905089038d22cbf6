import { randomUUID } from "node:crypto";
import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseNameOf } from "../platform/platform.ts";
import { memberships } from "../registry/memberships/memberships.table.ts";
import type { Answer } from "../testing/client.ts";
import {
  newPerson,
  newTenant,
  registry,
  settings,
  stack,
  type TestTenant,
} from "../testing/harness.ts";
import { type DatabaseProxy, startProxy } from "../testing/proxy.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";
import { users } from "./users/users.table.ts";

let proxy: DatabaseProxy;
let worker: RunningWorker;

beforeAll(async () => {
  proxy = await startProxy(stack.settings);
  worker = await startWorker({
    bundle: stack.bundle,
    settings: { ...stack.settings, ...proxy.settings },
  });
});
afterAll(async () => {
  await worker.stop();
  await proxy.stop();
});

const newUser = (email = `${randomUUID()}@acme.test`) => ({
  method: "POST",
  body: { name: "Ada", email },
});
const parallel = <T>(count: number, work: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

/** How often each outcome came: `{ "201": 1, "409 email_taken": 19 }`. */
function tally(answers: readonly Answer[]) {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const outcome = status < 400 ? `${status}` : `${status} ${body["code"]}`;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

/** Users beside the owner, those of them that are whole, and what the log says in all. */
async function inventory({ db, owner }: TestTenant) {
  const [row] = await db.all<{ users: number; whole: number; audited: number }>(sql`
    with created as (select id from users where id <> ${owner.userId})
    select (select count(*) from created) as users,
      (select count(*) from created join account_members on user_id = id) as whole,
      (select count(*) from audit_logs where action = 'INSERT' and actor_id = ${owner.userId} and entity <> 'user_sessions') as audited`);
  return row;
}
/** A user, their membership and their invitation. */
const complete = (count: number) => ({ users: count, whole: count, audited: 3 * count });

test("20 creates at once in one tenant all succeed, each audited once", async () => {
  const acme = await newTenant(worker.url);
  const answers = await parallel(20, () => acme.owner.call("/api/v1/users", newUser()));
  expect(tally(answers)).toEqual({ 201: 20 });
  expect(new Set(answers.map(({ body }) => body["id"])).size).toBe(20);
  expect(await inventory(acme)).toEqual(complete(20));
});

test("clients that hang up amid 60 creates harm nobody, and leave nothing half done", async () => {
  const [acme, globex] = await Promise.all([newTenant(worker.url), newTenant(worker.url)]);
  const create = async (index: number) => {
    const hangUp = new AbortController();
    if (index % 5 === 0) setTimeout(() => hangUp.abort(), index);
    const { signal } = hangUp;
    const work = acme.owner.call("/api/v1/users", { ...newUser(), signal });
    return await (index % 5 === 0 ? work.catch(() => undefined) : work);
  };
  const neighbours = parallel(5, () => globex.owner.call("/api/v1/users", newUser()));
  const answers = await parallel(60, create);
  expect(tally(answers.filter((answer, index) => answer && index % 5 !== 0) as Answer[])).toEqual({
    201: 48,
  });
  expect(tally(await neighbours)).toEqual({ 201: 5 });

  const later = await parallel(8, () => acme.owner.call("/api/v1/users", newUser()));
  expect(tally(later)).toEqual({ 201: 8 });
  const { users: stored = 0 } = (await inventory(acme)) ?? {};
  expect(stored).toBeGreaterThanOrEqual(56);
  expect(stored).toBeLessThanOrEqual(68);
  expect(await inventory(acme)).toEqual(complete(stored));
});

test("50 lists at once on one tenant are all answered", async () => {
  const acme = await newTenant(worker.url);
  const answers = await parallel(50, () => acme.owner.call("/api/v1/users"));
  expect(tally(answers)).toEqual({ 200: 50 });
});

test("lists go on while writers queue", async () => {
  const acme = await newTenant(worker.url);
  const [created, listed] = await Promise.all([
    parallel(30, () => acme.owner.call("/api/v1/users", newUser())),
    parallel(30, () => acme.owner.call("/api/v1/users")),
  ]);
  expect(tally(created)).toEqual({ 201: 30 });
  expect(tally(listed)).toEqual({ 200: 30 });
});

test("of 20 creates with one address exactly one succeeds", async () => {
  const acme = await newTenant(worker.url);
  const create = newUser();
  const answers = await parallel(20, () => acme.owner.call("/api/v1/users", create));
  expect(tally(answers)).toEqual({ 201: 1, "409 email_taken": 19 });
  expect(await inventory(acme)).toEqual(complete(1));
});

test("of 20 changes based on one version exactly one succeeds", async () => {
  const acme = await newTenant(worker.url);
  const { body, headers } = await acme.owner.call<{ id: string }>("/api/v1/users", newUser());
  const user = `/api/v1/users/${body.id}`;
  const patch = (name: string) => ({
    method: "PATCH",
    headers: { "if-match": headers["etag"] },
    body: { name },
  });
  const answers = await parallel(20, (i) => acme.owner.call(user, patch(`Name ${i}`)));
  expect(tally(answers)).toEqual({ 200: 1, "412 precondition_failed": 19 });
  const winner = answers.find(({ status }) => status === 200);
  const now = await acme.owner.call(user);
  expect(now.body).toEqual(winner?.body);
  expect(now.body).toMatchObject({ version: 2 });
});

test("a version grows by one with every change, whatever comes at once", async () => {
  const acme = await newTenant(worker.url);
  const { body } = await acme.owner.call<{ id: string }>("/api/v1/users", newUser());
  const user = `/api/v1/users/${body.id}`;
  const answers = await parallel(20, (i) =>
    acme.owner.call<{ version: number }>(user, { method: "PATCH", body: { name: `Name ${i}` } }),
  );
  const versions = answers.map((answer) => answer.body.version).sort((a, b) => a - b);
  expect(versions).toEqual(Array.from({ length: 20 }, (_, i) => i + 2));
  const [log] = await acme.db.all(sql`select count(*) as rows from audit_logs
    where entity_id = ${body.id} and action = 'UPDATE'`);
  expect(log).toEqual({ rows: 20 });
});

test("two owners who put each other out at once never leave the tenant without one", async () => {
  const acme = await newTenant(worker.url);
  const second = await acme.member({ tenantRole: "owner" });
  const owners = [acme.owner, second] as const;
  const remove = { method: "DELETE" };
  const suspend = { method: "PATCH", body: { status: "suspended" } };
  for (let round = 0; round < 24; round++) {
    const acts = [round % 2 ? remove : suspend, round % 3 ? remove : suspend];
    // Every fourth round each puts out themselves, which only the rule of the last owner can stop.
    const target = (index: number) => owners[round % 4 === 0 ? index : 1 - index]?.userId;
    const answers = await Promise.all(
      owners.map((owner, i) => owner.call(`/api/v1/users/${target(i)}`, acts[i] ?? remove)),
    );
    const won = answers.filter(({ status }) => status < 300);
    expect(won.length, JSON.stringify(tally(answers))).toBe(1);
    const lost = answers.filter(({ status }) => status >= 300).map(({ status }) => status);
    expect(lost).toEqual([round % 4 === 0 ? 409 : 403]);
    const left = await acme.db.all(sql`select id from users
      where tenant_role = 'owner' and status = 'active' and deleted_at is null`);
    expect(left.length).toBe(1);
    await acme.db.update(users).set({ status: "active", deletedAt: null, deletedBy: null });
  }
});

test("a client that hangs up amid a deletion cannot leave the registry behind", async () => {
  const acme = await newTenant(worker.url);
  const member = await acme.member({ accountRole: "VIEWER" });
  const { issuer } = settings.identityProvider;
  const { subject } = member;
  await registry.insert(memberships).values({
    issuer,
    subject,
    tenantId: acme.id,
    createdAt: Date.now(),
    role: "member",
    status: "active",
  });
  const listed = () => registry.select().from(memberships).where(eq(memberships.subject, subject));
  const reply = proxy.disturb({
    of: ({ namespace, body }) => namespace === databaseNameOf(acme.id) && /deleted_at/.test(body),
    at: "reply",
    by: "hold",
    times: 1,
  });
  const hangUp = new AbortController();
  const { signal } = hangUp;
  const deletion = acme.owner
    .call(`/api/v1/users/${member.userId}`, { method: "DELETE", signal })
    .catch((error: Error) => error.name);
  await reply.first;
  expect(await listed()).toHaveLength(1);
  hangUp.abort();
  expect(await deletion).toBe("AbortError");
  // By its answer the Worker has taken note.
  expect((await newPerson(worker.url).call("/health")).status).toBe(200);
  reply.lift();
  await expect.poll(listed, { timeout: 5000 }).toEqual([]);
});
