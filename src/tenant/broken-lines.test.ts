import { randomUUID } from "node:crypto";
import { once as event } from "node:events";
import { createServer } from "node:http";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseNameOf } from "../platform/platform.ts";
import { memberships } from "../registry/memberships/memberships.table.ts";
import { newTenant, registry, settings, stack, type TestTenant } from "../testing/harness.ts";
import { judged, unavailable } from "../testing/outage.ts";
import {
  type DatabaseProxy,
  type Disturbance,
  type Disturbed,
  isBeside,
  type Passage,
  startProxy,
} from "../testing/proxy.ts";
import { never, once, stored } from "../testing/stored.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";

const newUser = (email = `${randomUUID()}@acme.test`) => ({
  method: "POST",
  body: { name: "Ada", email },
});

const json = { "content-type": "application/json" };

let proxy: DatabaseProxy;
let worker: RunningWorker;
let acme: TestTenant;

beforeAll(async () => {
  proxy = await startProxy(stack.settings);
  const variables = { ...stack.settings, ...proxy.settings, ROUTE_CACHE_SECONDS: "1" };
  worker = await startWorker({ bundle: stack.bundle, settings: variables });
  acme = await newTenant(worker.url);
  await acme.owner.call("/api/v1/users");
});
afterAll(async () => {
  await worker.stop();
  await proxy.stop();
});

const of = (name: string) => (passage: Passage) => passage.namespace === name;

/** Works under a disturbance that surely ends. */
async function under(fault: Disturbance, work: (fault: Disturbed) => Promise<void>) {
  const disturbed = proxy.disturb(fault);
  await work(disturbed).finally(disturbed.lift);
}

/** Reads and writes in each tenant, from this Worker. */
const everything = (...tenants: TestTenant[]) =>
  Promise.all(
    tenants.flatMap(({ owner }) =>
      [{}, newUser()].map((request) => judged(owner.call(`${worker.url}/api/v1/users`, request))),
    ),
  );
const nothing = Array.from({ length: 4 }, () => unavailable);

test.each<["hold" | "cut"]>([["hold"], ["cut"]])(
  "without the registry (%s) known tenants work on as quick as ever, and unknown ones get a 503",
  async (by) => {
    const [known, unknown] = await Promise.all([newTenant(), newTenant()]);
    const list = async () => {
      const start = Date.now();
      const { status } = await known.owner.call(`${worker.url}/api/v1/users`);
      return { status, ms: Date.now() - start };
    };
    expect(await list()).toMatchObject({ status: 200 });
    await under({ of: of("registry"), at: "request", by }, async (outage) => {
      const cold = judged(unknown.owner.call(`${worker.url}/api/v1/users`));
      const answers: Awaited<ReturnType<typeof list>>[] = [];
      // Longer than the Worker takes its knowledge for fresh.
      for (const end = Date.now() + 2000; Date.now() < end; )
        answers.push(...(await Promise.all([list(), list(), list()])));

      expect(outage.struck, "the Worker asked the registry again").toBeGreaterThan(1);
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      expect(answers.filter(({ ms }) => ms > 2500)).toEqual([]);
      const write = await known.owner.call(`${worker.url}/api/v1/users`, newUser());
      expect(write.status).toBe(201);
      expect(await cold).toEqual(unavailable);
    });
    expect((await unknown.owner.call(`${worker.url}/api/v1/users`)).status).toBe(200);
  },
);

test.concurrent.each<[string, Disturbance, object]>([
  ["cut before the server sees it", { at: "request", by: "cut" }, never],
  ["cut after the server did it", { at: "reply", by: "cut" }, once],
  ["without a reply", { at: "reply", by: "hold" }, once],
  ["with half a reply", { at: "reply", by: "stall" }, once],
])("a create %s is a 503 and never tried again", async (_, fault, outcome) => {
  const globex = await newTenant(worker.url);
  await globex.owner.call("/api/v1/users");
  const create = newUser();
  const own = of(databaseNameOf(globex.id));
  const from = proxy.passages.length;
  await under({ of: own, ...fault }, async () => {
    expect(await judged(globex.owner.call("/api/v1/users", create))).toEqual(unavailable);
  });
  const tried = proxy.passages.slice(from).filter((passage) => own(passage) && !isBeside(passage));
  expect(tried).toHaveLength(1);
  expect(await stored(globex, create.body.email)).toEqual(outcome);
  const again = await globex.owner.call("/api/v1/users", create);
  expect(again.status).toBe(outcome === once ? 409 : 201);
  expect(await stored(globex, create.body.email)).toEqual(once);
});

test.each([404, 429])("a false %i that refuses everything is tried again", async (status) => {
  for (const request of [{}, newUser()]) {
    const answer = { status, headers: json, body: "{}" };
    const own = of(databaseNameOf(acme.id));
    await under({ of: own, at: "request", by: { answer }, times: 2 }, async (refused) => {
      const outcome = await acme.owner.call("/api/v1/users", request);
      expect(refused.struck).toBe(2);
      expect([200, 201]).toContain(outcome.status);
    });
  }
});

test.each<[string, object]>([
  ["an error", { status: 500, body: "oops" }],
  ["401", { status: 401, headers: json, body: '{"error":"Unauthorized: `expired`"}' }],
  ["403", { status: 403, headers: json, body: '{"error":"Forbidden"}' }],
  ["404 for ever", { status: 404, headers: json, body: '{"error":"Namespace gone"}' }],
  ["a page", { status: 200, headers: { "content-type": "text/html" }, body: "<h1>Hi</h1>" }],
  ["another JSON", { status: 200, headers: json, body: '{"results":"none"}' }],
  ["too little", { status: 200, headers: json, body: '{"baton":null,"results":[]}' }],
  ["nothing", { status: 200, headers: json, body: "" }],
])("a server that answers %s is a 503, on reads and writes, cold and warm", async (_, answer) => {
  const cold = await newTenant();
  await under({ at: "request", by: { answer } }, async () => {
    expect(await everything(acme, cold)).toEqual(nothing);
  });
});

test("a deletion or restoration that lost the registry is finished by sending it again", async () => {
  const globex = await newTenant(worker.url);
  const { userId, subject } = await globex.member({ accountRole: "VIEWER" });
  const { issuer } = settings.identityProvider;
  const active = { role: "member" as const, status: "active" as const };
  const membership = { issuer, subject, tenantId: globex.id, ...active, createdAt: Date.now() };
  await registry.insert(memberships).values(membership);
  const listed = () =>
    registry
      .select({ role: memberships.role, status: memberships.status })
      .from(memberships)
      .where(eq(memberships.subject, subject));
  await globex.owner.call("/api/v1/users");

  const user = `/api/v1/users/${userId}`;
  const steps = [
    { path: user, method: "DELETE", before: [active], after: [] },
    { path: `${user}/restoration`, method: "POST", before: [], after: [active] },
  ];
  for (const { path, method, before, after } of steps) {
    await under({ of: of("registry"), at: "request", by: "cut" }, async () => {
      expect(await judged(globex.owner.call(path, { method }))).toEqual(unavailable);
    });
    expect(await listed()).toEqual(before);
    expect(await globex.owner.call(path, { method })).toMatchObject({ status: 404 });
    expect(await listed()).toEqual(after);
  }
});

test("nobody but the database server ever gets its token", async () => {
  const visits: string[] = [];
  const stranger = createServer((request, response) => {
    visits.push(`${request.method} ${request.headers.authorization}`);
    response.end();
  }).listen(0, "127.0.0.1");
  await event(stranger, "listening");
  const { port } = stranger.address() as { port: number };
  const location = `http://127.0.0.1:${port}/v2/pipeline`;
  const baseUrl = { baton: "more", base_url: `http://127.0.0.1:${port}`, results: [] };
  const lies = [
    ...[301, 302, 303, 307, 308].map((status) => ({ status, headers: { location } })),
    { status: 200, headers: json, body: JSON.stringify(baseUrl) },
  ];
  const cold = await newTenant();
  for (const answer of lies)
    await under({ at: "request", by: { answer } }, async () => {
      expect(await everything(acme, cold)).toEqual(nothing);
    });
  expect(visits).toEqual([]);
  stranger.close();
});
