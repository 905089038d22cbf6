import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tracesOf } from "../../testing/founder.ts";
import { newPerson, type Person, stack } from "../../testing/harness.ts";
import {
  type DatabaseProxy,
  type Disturbance,
  type Passage,
  startProxy,
} from "../../testing/proxy.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";

let proxy: DatabaseProxy;
let worker: RunningWorker;

beforeAll(async () => {
  proxy = await startProxy(stack.settings);
  const settings = { ...stack.settings, ...proxy.settings, DATABASE_TIMEOUT_MS: "400" };
  worker = await startWorker({ bundle: stack.bundle, settings });
});
afterAll(async () => {
  await worker.stop();
  await proxy.stop();
});

const newSlug = () => `t-${randomUUID().slice(0, 13)}`;
const signUp = (person: Person, slug: string) =>
  person.call("/api/v1/tenants/register", {
    method: "POST",
    body: { name: `Tenant ${slug}`, slug },
  });

const outages: [string, Disturbance["by"]][] = [
  ["is gone", "cut"],
  ["is silent", "hold"],
  [
    "fails",
    { answer: { status: 500, body: "internal: http://10.0.0.7 token eyJhbGciOiJFZERTQSJ9" } },
  ],
];

test.each(outages)(
  "while the platform %s a sign-up answers 503 and says to repeat it, and then it works",
  async (_, by) => {
    const [owner, slug] = [newPerson(worker.url), newSlug()];
    const outage = proxy.disturb({ of: ({ door }) => door === "admin", at: "request", by });
    const started = Date.now();
    const failed = await signUp(owner, slug);
    expect(Date.now() - started).toBeLessThan(5000);
    expect(failed).toMatchObject({ status: 503, body: { code: "dependency_unavailable" } });
    expect(Number(failed.headers["retry-after"])).toBeGreaterThan(0);
    expect(failed.body["detail"]).toBe(
      'Setting up the tenant stopped at "create_database". Send the same request again to go on',
    );

    const { central } = await tracesOf({ slug });
    const path = `/api/v1/operations/${central.operations[0]?.["id"]}`;
    const { body } = await owner.call(path);
    expect(body).toMatchObject({ status: "pending", attempts: 1, finishedAt: null });
    const [first, ...others] = body["steps"] as Record<string, unknown>[];
    expect(first).toMatchObject({ name: "create_database", status: "failed", attempts: 1 });
    expect(first?.["error"]).toMatch(/^dependency_unavailable: The database platform [a-z ]+$/);
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set(["pending"]));

    expect(JSON.stringify([failed.body, body])).not.toMatch(/10\.0\.0\.7|eyJ/);

    outage.lift();
    expect((await signUp(owner, slug)).status).toBe(201);
    const done = await owner.call(path);
    expect(done.body).toMatchObject({ status: "succeeded", attempts: 2, error: null });
  },
);

test("somebody else can neither take over nor see a sign-up that is under way", async () => {
  const [owner, other, slug] = [newPerson(worker.url), newPerson(worker.url), newSlug()];
  const outage = proxy.disturb({ of: ({ door }) => door === "admin", at: "request", by: "cut" });
  expect((await signUp(owner, slug)).status).toBe(503);
  const before = await tracesOf({ slug });

  const answers = await Promise.all(Array.from({ length: 5 }, () => signUp(other, slug)));
  for (const { status, body } of answers)
    expect({ status, code: body["code"], detail: body["detail"] }).toEqual({
      status: 409,
      code: "slug_taken",
      detail: `The slug ${slug} is taken`,
    });
  expect(await tracesOf({ slug })).toEqual(before);
  expect((await other.call("/api/v1/tenants")).body).toMatchObject({ data: [] });

  outage.lift();
  expect((await signUp(other, slug)).status).toBe(409);
  const done = await signUp(owner, slug);
  expect(done.status).toBe(201);
  const { central, own } = await tracesOf({ slug });
  expect(central.memberships).toMatchObject([{ subject: owner.subject, role: "owner" }]);
  expect(own?.users).toMatchObject([{ email: owner.email, tenant_role: "owner" }]);
  const headers = { "x-tenant-id": slug };
  expect((await other.call("/api/v1/tenant", { headers })).status).toBe(403);
});

test("nobody enters a tenant that is not ready, its owner included", async () => {
  const [owner, slug] = [newPerson(worker.url), newSlug()];
  const seeding = ({ body }: Passage) => body.includes('insert into \\"users\\"');
  const outage = proxy.disturb({ of: seeding, at: "reply", by: "cut" });
  expect((await signUp(owner, slug)).body["detail"]).toContain('stopped at "seed"');
  outage.lift();
  const { id } = await tracesOf({ slug });
  for (const name of [slug, String(id)]) {
    const { status, body } = await owner.call("/api/v1/tenant", {
      headers: { "x-tenant-id": name },
    });
    expect({ status, code: body["code"] }).toEqual({ status: 403, code: "tenant_forbidden" });
  }
  expect((await signUp(owner, slug)).status).toBe(201);
  expect((await owner.call("/api/v1/tenant", { headers: { "x-tenant-id": slug } })).status).toBe(
    200,
  );
});
