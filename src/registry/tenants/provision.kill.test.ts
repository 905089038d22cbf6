import { randomUUID } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { databaseNameOf } from "../../platform/platform.ts";
import { tracesOf } from "../../testing/founder.ts";
import { newPerson, type Person, stack } from "../../testing/harness.ts";
import { type Passage, startProxy } from "../../testing/proxy.ts";
import { startWorker } from "../../testing/worker.ts";
import { startMortalWorker } from "../../testing/worker-process.ts";

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of cleanup.splice(0).reverse()) await stop();
});

/** A Worker of one's own whose way to the databases can be disturbed. */
async function startBehindProxy(changed: Record<string, string>) {
  const proxy = await startProxy(stack.settings);
  cleanup.push(proxy.stop);
  const settings = { ...stack.settings, ...proxy.settings, ...changed };
  const worker = await startMortalWorker({ bundle: stack.bundle, settings });
  cleanup.push(worker.stop);
  return { proxy, worker };
}

const newSlug = () => `t-${randomUUID().slice(0, 13)}`;
const signUp = (person: Person, slug: string, base = stack.apiUrl) =>
  person.call(`${base}/api/v1/tenants/register`, {
    method: "POST",
    body: { name: `Tenant ${slug}`, slug },
  });

const carries = (text: string) => (passage: Passage) =>
  passage.namespace !== "registry" && passage.body.includes(text);
const moments: [string, (passage: Passage) => boolean][] = [
  ["made the database", ({ door }) => door === "admin"],
  ["migrated it", carries("CREATE TABLE")],
  ["put the owner in", carries('insert into \\"users\\"')],
];

test.each(moments)(
  "a Worker killed when it has just %s is replaced by the next that gets the request",
  async (_, moment) => {
    const { proxy, worker } = await startBehindProxy({ OPERATION_LEASE_SECONDS: "1" });
    const [owner, slug] = [newPerson(), newSlug()];
    const held = proxy.disturb({ of: moment, at: "reply", by: "hold" });
    const unanswered = signUp(owner, slug, worker.url).then(
      () => "answered",
      () => "cut off",
    );
    await held.first;
    worker.kill();
    expect(await unanswered).toBe("cut off");

    const { central } = await tracesOf({ slug });
    expect(central.operations).toMatchObject([{ status: "running", attempts: 1 }]);
    const { status, body } = await signUp(owner, slug);
    expect(status).toBe(201);

    const { id, ...traces } = await tracesOf({ slug });
    expect(body).toMatchObject({ id, slug, ownerId: traces.own?.users[0]?.["id"] });
    expect(traces.central.operations).toMatchObject([{ status: "succeeded", attempts: 2 }]);
    expect(new Set(traces.central.steps.map((step) => step["status"]))).toEqual(
      new Set(["succeeded"]),
    );
    expect(traces.own?.users).toHaveLength(1);
    expect(traces.own?.log).toHaveLength(6);
    const asked = proxy.passages.filter(({ door }) => door === "admin");
    expect(asked.map(({ namespace }) => namespace)).toEqual([databaseNameOf(String(id))]);

    const headers = { "x-tenant-id": slug };
    const first = await owner.call("/api/v1/users", { headers });
    expect(first).toMatchObject({ status: 200, body: { meta: { totalItems: 1 } } });
  },
);

test("while another Worker sets the tenant up, the same request is told where to look", async () => {
  const { proxy, worker } = await startBehindProxy({ OPERATION_LEASE_SECONDS: "600" });
  const settings = { ...stack.settings, OPERATION_LEASE_SECONDS: "1" };
  const impatient = await startWorker({ bundle: stack.bundle, settings });
  cleanup.push(impatient.stop);
  const [owner, slug] = [newPerson(), newSlug()];
  const held = proxy.disturb({ of: ({ door }) => door === "admin", at: "request", by: "hold" });
  const first = signUp(owner, slug, worker.url);
  await held.first;

  const second = await signUp(owner, slug, impatient.url);
  const [operation] = (await tracesOf({ slug })).central.operations;
  expect(second.status).toBe(202);
  expect(second.headers["location"]).toBe(`/api/v1/operations/${operation?.["id"]}`);
  expect(second.body).toMatchObject({ id: operation?.["id"], status: "running", attempts: 1 });

  held.lift();
  expect((await first).status).toBe(201);
  const done = await owner.call(String(second.headers["location"]));
  expect(done.body).toMatchObject({ status: "succeeded", attempts: 1 });
});
