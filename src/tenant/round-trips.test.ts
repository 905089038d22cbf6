import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../core/id.ts";
import { databaseNameOf } from "../platform/platform.ts";
import type { Answer, Call } from "../testing/client.ts";
import { type Member, newPerson, newTenant, stack, type TestTenant } from "../testing/harness.ts";
import { type DatabaseProxy, startProxy } from "../testing/proxy.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";

let proxy: DatabaseProxy;
let worker: RunningWorker;
let acme: TestTenant;
let viewer: Member;

beforeAll(async () => {
  proxy = await startProxy(stack.settings);
  const settings = { ...stack.settings, ...proxy.settings, ROUTE_CACHE_SECONDS: "600" };
  worker = await startWorker({ bundle: stack.bundle, settings });
  acme = await newTenant(worker.url);
  viewer = await acme.member({ accountRole: "VIEWER" });
  await acme.owner.call("/api/v1/users");
});

afterAll(async () => {
  await worker.stop();
  await proxy.stop();
});

const email = () => `${randomUUID()}@acme.test`;
const newUser = () => ({ method: "POST", body: { name: "Ada", email: email() } });

/** A request, its answer and where it went: trips to the tenant's database and to the registry. */
async function trip(
  who: { call: (path: string, options?: Call) => Promise<Answer> },
  path: string,
  options?: Call,
) {
  const { result, total, by } = await proxy.counted(() => who.call(path, options));
  const [tenant = 0, registry = 0] = [by[databaseNameOf(acme.id)], by["registry"]];
  expect(tenant + registry, "no third database is asked").toBe(total);
  const { status, body, headers } = result;
  return { status, code: body?.["code"], tenant, registry, requestId: headers["x-request-id"] };
}
const once = { tenant: 1, registry: 0 };

const create = async () => {
  const { status, body } = await acme.owner.call<{ id: string }>("/api/v1/users", newUser());
  expect(status).toBe(201);
  return `/api/v1/users/${body.id}`;
};

test("a warm list is one round trip, authorisation included", async () => {
  expect(await trip(acme.owner, "/api/v1/users")).toMatchObject({ status: 200, ...once });
  expect(await trip(acme.owner, "/api/v1/users?search=a&limit=2&page=2")).toMatchObject(once);
});

test("a warm create is one round trip: guard, rows, audit and the answer", async () => {
  expect(await trip(acme.owner, "/api/v1/users", newUser())).toMatchObject({
    status: 201,
    ...once,
  });
  expect(proxy.passages.at(-1)?.body, "the lock is taken at once").toContain("BEGIN IMMEDIATE");
});

test("every other warm request for one resource is one round trip", async () => {
  const user = await create();
  const patch = { method: "PATCH", body: { name: "Grace" } };
  expect(await trip(acme.owner, user)).toMatchObject({ status: 200, ...once });
  expect(await trip(acme.owner, user, patch)).toMatchObject({ status: 200, ...once });
  expect(await trip(acme.owner, "/api/v1/tenant")).toMatchObject({ status: 200, ...once });
  expect(await trip(acme.owner, "/api/v1/audit-logs")).toMatchObject({ status: 200, ...once });
  expect(await trip(acme.owner, "/api/v1/roles")).toMatchObject({ status: 200, ...once });
});

test("a tenant known by its slug is known by its id", async () => {
  const byId = { headers: { "x-tenant-id": acme.id } };
  expect(await trip(acme.owner, "/api/v1/users", byId)).toMatchObject({ status: 200, ...once });
});

test("deleting and restoring cost a second trip only where the registry lists the person", async () => {
  const user = await create();
  const restoration = { method: "POST" };
  expect(await trip(acme.owner, user, { method: "DELETE" })).toMatchObject({
    status: 204,
    ...once,
  });
  expect(await trip(acme.owner, `${user}/restoration`, restoration)).toMatchObject({
    status: 200,
    ...once,
  });

  const { userId } = await acme.member({ accountRole: "EDITOR" });
  const member = `/api/v1/users/${userId}`;
  const both = { tenant: 1, registry: 1 };
  expect(await trip(acme.owner, member, { method: "DELETE" })).toMatchObject({
    status: 204,
    ...both,
  });
  expect(await trip(acme.owner, `${member}/restoration`, restoration)).toMatchObject({
    status: 200,
    ...both,
  });
});

test("renaming the tenant costs a second trip, for the registry's copy of the name", async () => {
  const rename = { method: "PATCH", body: { name: "Acme again" } };
  expect(await trip(acme.owner, "/api/v1/tenant", rename)).toMatchObject({
    status: 200,
    tenant: 1,
    registry: 1,
  });
});

test("a tenant this Worker does not know yet costs one trip more", async () => {
  for (const options of [{}, newUser()]) {
    const cold = await newTenant();
    const call = async () =>
      newPerson(worker.url).call("/api/v1/users", {
        ...options,
        headers: { authorization: `Bearer ${await cold.owner.token()}`, "x-tenant-id": cold.slug },
      });
    const first = await proxy.counted(call);
    expect([200, 201]).toContain(first.result.status);
    expect(first.by).toEqual({ registry: 1, [databaseNameOf(cold.id)]: 1 });
  }
});

test("a refusal costs one look on reads, and the refused batch besides on writes", async () => {
  const denied = { status: 403, code: "forbidden" };
  expect(await trip(viewer, "/api/v1/users")).toMatchObject({ ...denied, ...once });
  expect(await trip(viewer, "/api/v1/users", newUser())).toMatchObject({
    ...denied,
    tenant: 2,
    registry: 0,
  });
});

test("a stranger costs one look into the registry, for a membership that waits", async () => {
  const person = newPerson(worker.url);
  const named = { headers: { "x-tenant-id": acme.slug } };
  const denied = { status: 403, code: "tenant_forbidden" };
  expect(await trip(person, "/api/v1/users", named)).toMatchObject({
    ...denied,
    tenant: 1,
    registry: 1,
  });
  expect(await trip(person, "/api/v1/users", { ...named, ...newUser() })).toMatchObject({
    ...denied,
    tenant: 2,
    registry: 1,
  });
});

test("bad input costs the one look that tells whether to say so", async () => {
  const bad = { method: "POST", body: { name: "", email: "no" } };
  expect(await trip(acme.owner, "/api/v1/users", bad)).toMatchObject({ status: 400, ...once });
  expect(await trip(acme.owner, "/api/v1/users?limit=0")).toMatchObject({ status: 400, ...once });
  expect(await trip(viewer, "/api/v1/users", bad)).toMatchObject({ status: 403, ...once });
  expect(await trip(acme.owner, "/api/v1/users", { method: "POST", body: "{" })).toMatchObject({
    status: 400,
    ...once,
  });
});

test("what the batch itself finds out costs nothing more", async () => {
  const missing = `/api/v1/users/${newId("user")}`;
  const taken = newUser();
  await acme.owner.call("/api/v1/users", taken);
  expect(await trip(acme.owner, missing)).toMatchObject({ status: 404, ...once });
  expect(await trip(acme.owner, "/api/v1/users", taken)).toMatchObject({ status: 409, ...once });
});

test("a write whose precondition failed looks at most twice to say which", async () => {
  const user = await create();
  const stale = { "if-match": `"${acme.id}.7"` };
  const patch = { method: "PATCH", headers: stale, body: { name: "Grace" } };
  const answer = await trip(acme.owner, user, patch);
  expect(answer).toMatchObject({ status: 412, registry: 0 });
  expect(answer.tenant).toBeLessThanOrEqual(3);
});

test("without a good token or a tenant no database is asked", async () => {
  const none = { tenant: 0, registry: 0 };
  const bearer = (authorization?: string) => ({ headers: { authorization } });
  expect(await trip(acme.owner, "/api/v1/users", bearer())).toMatchObject({ status: 401, ...none });
  expect(await trip(acme.owner, "/api/v1/users", bearer("Bearer a.b.c"))).toMatchObject({
    status: 401,
    ...none,
  });
  expect(await trip(newPerson(worker.url), "/api/v1/users")).toMatchObject({
    status: 400,
    code: "tenant_required",
    ...none,
  });
  expect(await trip(acme.owner, "/api/v1/nothing")).toMatchObject({ status: 404, ...none });
});

test("who am I asks the registry once, and the tenant the request names once", async () => {
  const person = newPerson(worker.url);
  expect(await trip(person, "/api/v1/auth/me")).toMatchObject({
    status: 200,
    tenant: 0,
    registry: 1,
  });
  expect(await trip(viewer, "/api/v1/auth/me")).toMatchObject({
    status: 200,
    tenant: 1,
    registry: 1,
  });
  expect(await trip(viewer, "/api/v1/tenants")).toMatchObject({
    status: 200,
    tenant: 0,
    registry: 1,
  });
});

test("a claim to be a platform admin costs the registry one more look", async () => {
  const person = newPerson(worker.url);
  const claims = { "https://tenantry.dev/global_admin": true };
  const headers = { authorization: `Bearer ${await person.token(claims)}` };
  expect(await trip(person, "/api/v1/auth/me", { headers })).toMatchObject({
    status: 200,
    tenant: 0,
    registry: 2,
  });
});

test("health and documents touch no database", async () => {
  for (const path of ["/health", "/openapi.json"])
    expect(await trip(newPerson(worker.url), path)).toMatchObject({
      status: 200,
      tenant: 0,
      registry: 0,
    });
});

test("the log line of a request tells its round trips", async () => {
  const { requestId } = await trip(viewer, "/api/v1/users", newUser());
  await expect
    .poll(() => worker.lines.find((line) => line["requestId"] === requestId))
    .toMatchObject({ status: 403, trips: 2 });
});
