import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../core/id.ts";
import { databaseNameOf } from "../platform/platform.ts";
import type { Answer, Call } from "../testing/client.ts";
import {
  type Member,
  naming,
  newPerson,
  newTenant,
  stack,
  type TestTenant,
} from "../testing/harness.ts";
import { issueKey, keyOf } from "../testing/keys.ts";
import { newOperator } from "../testing/operators.ts";
import { type DatabaseProxy, startProxy } from "../testing/proxy.ts";
import { seal } from "../testing/sealing.ts";
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

const newUser = () => ({
  method: "POST",
  body: { name: "Ada", email: `${randomUUID()}@acme.test` },
});

/** What a request costs: its status, and its trips to the tenant's database and to the registry. */
async function cost(
  who: { call: (path: string, options?: Call) => Promise<Answer> },
  path: string,
  options?: Call,
) {
  const { result, total, by } = await proxy.counted(() => who.call(path, options));
  const [tenant = 0, registry = 0] = [by[databaseNameOf(acme.id)], by["registry"]];
  expect(tenant + registry, "no third database is asked").toBe(total);
  return `${result.status}: tenant ${tenant}, registry ${registry}`;
}

const create = async () => {
  const { status, body } = await acme.owner.call<{ id: string }>("/api/v1/users", newUser());
  expect(status).toBe(201);
  return `/api/v1/users/${body.id}`;
};
const remove = { method: "DELETE" };
const patch = { method: "PATCH", body: { name: "Grace" } };

test("a warm list is one round trip, authorisation included", async () => {
  const { owner } = acme;
  expect(await cost(owner, "/api/v1/users")).toBe("200: tenant 1, registry 0");
  expect(await cost(owner, "/api/v1/users?search=a&limit=2&page=2")).toBe(
    "200: tenant 1, registry 0",
  );
});

test("a warm create is one round trip: guard, rows, audit and the answer", async () => {
  expect(await cost(acme.owner, "/api/v1/users", newUser())).toBe("201: tenant 1, registry 0");
  expect(proxy.passages.at(-1)?.body, "the lock is taken at once").toContain("BEGIN IMMEDIATE");
});

test("every other warm request for one resource is one round trip", async () => {
  const { owner } = acme;
  const user = await create();
  expect(await cost(owner, user)).toBe("200: tenant 1, registry 0");
  expect(await cost(owner, user, patch)).toBe("200: tenant 1, registry 0");
  expect(await cost(owner, "/api/v1/tenant")).toBe("200: tenant 1, registry 0");
  expect(await cost(owner, "/api/v1/audit-logs")).toBe("200: tenant 1, registry 0");
  expect(await cost(owner, "/api/v1/roles")).toBe("200: tenant 1, registry 0");
});

test("verifying and exporting the log cost a look more than they have pages", async () => {
  const { owner } = acme;
  const verification = "/api/v1/audit-logs/verification";
  expect(await cost(owner, verification)).toBe("200: tenant 3, registry 1");
  const sealed = await seal(acme);
  expect(await cost(owner, verification)).toBe("200: tenant 4, registry 1");
  expect(await cost(owner, `${verification}?from=${sealed.sequence}`)).toBe(
    "200: tenant 4, registry 1",
  );
  expect(await cost(owner, "/api/v1/audit-logs/export")).toBe("200: tenant 2, registry 0");
});

test("accounts and their members are one round trip each, be it a list, a row or a change", async () => {
  const { owner } = acme;
  const free = "201: tenant 1, registry 0";
  const fine = "200: tenant 1, registry 0";
  const gone = "204: tenant 1, registry 0";
  const any = { headers: { "if-match": "*" } };
  const newAccount = () => ({ method: "POST", body: { name: randomUUID() } });
  const { body } = await owner.call<{ id: string }>("/api/v1/accounts", newAccount());
  const account = `/api/v1/accounts/${body.id}`;
  expect(await cost(owner, "/api/v1/accounts", newAccount())).toBe(free);
  expect(await cost(owner, "/api/v1/accounts")).toBe(fine);
  expect(await cost(viewer, "/api/v1/accounts?search=a")).toBe(fine);
  expect(await cost(viewer, `/api/v1/accounts/${acme.accountId}`)).toBe(fine);
  const settings = { method: "PATCH", body: { settings: { a: 1 } }, ...any };
  expect(await cost(owner, account, settings)).toBe(fine);
  expect(await cost(owner, account, { ...settings, headers: {} })).toBe(
    "428: tenant 1, registry 0",
  );

  const member = `${account}/members/${viewer.userId}`;
  const seat = { method: "POST", body: { userId: viewer.userId, role: "VIEWER" } };
  expect(await cost(owner, `${account}/members`, seat)).toBe(free);
  expect(await cost(owner, `${account}/members`)).toBe(fine);
  expect(await cost(owner, member)).toBe(fine);
  const role = { method: "PATCH", body: { role: "EDITOR" }, ...any };
  expect(await cost(owner, member, role)).toBe(fine);
  expect(await cost(owner, member, { ...remove, ...any })).toBe(gone);
  expect(await cost(owner, account, remove)).toBe(gone);
  expect(await cost(owner, `${account}/restoration`, { method: "POST" })).toBe(fine);
});

test("a person's own things, invitations, keys, sessions and settings are one round trip each", async () => {
  const { owner } = acme;
  const any = { headers: { "if-match": "*" } };
  const fine = "200: tenant 1, registry 0";
  const reads = ["users/me", "users/me/profile", "users/me/identities", "sessions", "api-keys"];
  reads.push("invitations", "tenant/settings", "tenant/access-grants");
  for (const path of reads) expect(await cost(owner, `/api/v1/${path}`), path).toBe(fine);

  const profile = { method: "PATCH", body: { bio: "Counts" }, ...any };
  expect(await cost(owner, "/api/v1/users/me/profile", profile)).toBe(fine);
  const settings = { method: "PATCH", body: { contactEmail: "a@acme.test" }, ...any };
  expect(await cost(owner, "/api/v1/tenant/settings", settings)).toBe(fine);

  const invite = () => ({ method: "POST", body: { email: `${randomUUID()}@acme.test` } });
  expect(await cost(owner, "/api/v1/invitations", invite())).toBe("201: tenant 1, registry 0");
  const made = await owner.call<{ id: string }>("/api/v1/invitations", invite());
  const invitation = `/api/v1/invitations/${made.body.id}`;
  expect(await cost(owner, `${invitation}/resend`, { method: "POST" })).toBe(fine);
  expect(await cost(owner, invitation, remove)).toBe("204: tenant 1, registry 0");

  const key = { method: "POST", body: { name: "Key", scopes: [] } };
  expect(await cost(owner, "/api/v1/api-keys", key)).toBe("201: tenant 1, registry 0");
  const issued = await issueKey(owner);
  const at = `/api/v1/api-keys/${issued.id}`;
  const rotation = { method: "POST", body: {} };
  expect(await cost(owner, `${at}/rotation`, rotation)).toBe("201: tenant 1, registry 0");
  expect(await cost(owner, at, remove)).toBe("204: tenant 1, registry 0");
  const leaver = await acme.member();
  const signOut = "/api/v1/sessions/current";
  expect(await cost(leaver, signOut, remove)).toBe("204: tenant 1, registry 0");
  expect(await cost(leaver, "/api/v1/users/me")).toBe("401: tenant 1, registry 0");
});

test("a key costs what a token does: one round trip, and none where it was never issued", async () => {
  const key = await keyOf(acme.owner);
  expect(await cost(key, "/api/v1/users")).toBe("200: tenant 1, registry 0");
  expect(await cost(key, "/api/v1/users", newUser())).toBe("201: tenant 1, registry 0");
  const forged = naming(key, { authorization: `Bearer tnt_live_${"0".repeat(86)}` });
  expect(await cost(forged, "/api/v1/users")).toBe("401: tenant 0, registry 0");
});

test("an Idempotency-Key costs nothing, and a repetition one look at what was answered", async () => {
  const once = { ...newUser(), headers: { "idempotency-key": randomUUID() } };
  expect(await cost(acme.owner, "/api/v1/users", once)).toBe("201: tenant 1, registry 0");
  expect(await cost(acme.owner, "/api/v1/users", once)).toBe("201: tenant 2, registry 0");
  const other = { ...once, body: newUser().body };
  expect(await cost(acme.owner, "/api/v1/users", other)).toBe("422: tenant 2, registry 0");
});

test("a platform admin costs a look as a stranger and one into the registry before they are let in", async () => {
  const operator = await newOperator(acme, "write", worker.url);
  expect(await cost(operator, "/api/v1/users")).toBe("200: tenant 2, registry 1");
  const renamed = { ...patch, body: { name: "Looked after" } };
  expect(await cost(operator, await create(), renamed)).toBe("200: tenant 3, registry 1");
});

test("what changes a tenant role or ends a membership costs a second trip, for the registry's index", async () => {
  const { owner } = acme;
  const any = { "if-match": "*" };
  expect(await cost(owner, "/api/v1/tenant/members")).toBe("200: tenant 1, registry 0");
  const { userId } = await acme.member();
  const member = `/api/v1/tenant/members/${userId}`;
  const role = { method: "PATCH", body: { tenantRole: "admin" }, headers: any };
  expect(await cost(owner, member, role)).toBe("200: tenant 1, registry 1");
  expect(await cost(owner, member, { ...remove, headers: any })).toBe("204: tenant 1, registry 1");
  const leaver = await acme.member();
  const me = "/api/v1/tenant/members/me";
  expect(await cost(leaver, me, remove)).toBe("204: tenant 1, registry 1");
});

test("a tenant known by its slug is known by its id", async () => {
  const byId = { headers: { "x-tenant-id": acme.id } };
  expect(await cost(acme.owner, "/api/v1/users", byId)).toBe("200: tenant 1, registry 0");
});

test("deleting and restoring cost a second trip only where the registry lists the person", async () => {
  const { owner } = acme;
  const user = await create();
  const restore = { method: "POST" };
  expect(await cost(owner, user, remove)).toBe("204: tenant 1, registry 0");
  expect(await cost(owner, `${user}/restoration`, restore)).toBe("200: tenant 1, registry 0");

  const { userId } = await acme.member({ accountRole: "EDITOR" });
  const member = `/api/v1/users/${userId}`;
  expect(await cost(owner, member, remove)).toBe("204: tenant 1, registry 1");
  expect(await cost(owner, `${member}/restoration`, restore)).toBe("200: tenant 1, registry 1");
});

test("renaming the tenant costs a second trip, for the registry's copy of the name", async () => {
  expect(await cost(acme.owner, "/api/v1/tenant", patch)).toBe("200: tenant 1, registry 1");
});

test("a tenant this Worker does not know yet costs one trip more", async () => {
  for (const options of [{}, newUser()]) {
    const cold = await newTenant();
    const first = await proxy.counted(() => cold.owner.call(`${worker.url}/api/v1/users`, options));
    expect([200, 201]).toContain(first.result.status);
    expect(first.by).toEqual({ registry: 1, [databaseNameOf(cold.id)]: 1 });
  }
});

test("a refusal costs one look on reads, and the refused batch besides on writes", async () => {
  expect(await cost(viewer, "/api/v1/users")).toBe("403: tenant 1, registry 0");
  expect(await cost(viewer, "/api/v1/users", newUser())).toBe("403: tenant 2, registry 0");
});

test("a stranger costs one look into the registry, for a membership that waits", async () => {
  const person = newPerson(worker.url);
  const headers = { "x-tenant-id": acme.slug };
  expect(await cost(person, "/api/v1/users", { headers })).toBe("403: tenant 1, registry 1");
  expect(await cost(person, "/api/v1/users", { headers, ...newUser() })).toBe(
    "403: tenant 2, registry 1",
  );
});

test("bad input costs the one look that tells whether to say so", async () => {
  const bad = { method: "POST", body: { name: "", email: "no" } };
  const broken = { method: "POST", body: "{" };
  expect(await cost(acme.owner, "/api/v1/users", bad)).toBe("400: tenant 1, registry 0");
  expect(await cost(acme.owner, "/api/v1/users", broken)).toBe("400: tenant 1, registry 0");
  expect(await cost(acme.owner, "/api/v1/users?limit=0")).toBe("400: tenant 1, registry 0");
  expect(await cost(viewer, "/api/v1/users", bad)).toBe("403: tenant 1, registry 0");
});

test("what the batch itself finds out costs nothing more", async () => {
  const taken = newUser();
  await acme.owner.call("/api/v1/users", taken);
  expect(await cost(acme.owner, "/api/v1/users", taken)).toBe("409: tenant 1, registry 0");
  const missing = `/api/v1/users/${newId("user")}`;
  expect(await cost(acme.owner, missing)).toBe("404: tenant 1, registry 0");
});

test("a write whose precondition failed looks once more to say which", async () => {
  const stale = { ...patch, headers: { "if-match": `"${acme.id}.7"` } };
  expect(await cost(acme.owner, await create(), stale)).toBe("412: tenant 2, registry 0");
  const missing = `/api/v1/users/${newId("user")}`;
  expect(await cost(acme.owner, missing, patch)).toBe("404: tenant 2, registry 0");
});

test("without a good token or a tenant no database is asked", async () => {
  const bearer = (authorization?: string) => ({ headers: { authorization } });
  expect(await cost(acme.owner, "/api/v1/users", bearer())).toBe("401: tenant 0, registry 0");
  expect(await cost(acme.owner, "/api/v1/users", bearer("Bearer a.b.c"))).toBe(
    "401: tenant 0, registry 0",
  );
  const person = newPerson(worker.url);
  expect(await cost(person, "/api/v1/users")).toBe("400: tenant 0, registry 0");
  expect(await cost(person, "/api/v1/nothing")).toBe("404: tenant 0, registry 0");
});

test("who am I asks the registry once, and the tenant the request names once", async () => {
  const person = newPerson(worker.url);
  expect(await cost(person, "/api/v1/auth/me")).toBe("200: tenant 0, registry 1");
  expect(await cost(viewer, "/api/v1/auth/me")).toBe("200: tenant 1, registry 1");
  expect(await cost(viewer, "/api/v1/tenants")).toBe("200: tenant 0, registry 1");
});

test("a claim to be a platform admin costs the registry one more look", async () => {
  const person = newPerson(worker.url);
  const claims = { "https://tenantry.dev/global_admin": true };
  const headers = { authorization: `Bearer ${await person.token(claims)}` };
  expect(await cost(person, "/api/v1/auth/me", { headers })).toBe("200: tenant 0, registry 2");
});

test("health and documents touch no database", async () => {
  const person = newPerson(worker.url);
  expect(await cost(person, "/health")).toBe("200: tenant 0, registry 0");
  expect(await cost(person, "/openapi.json")).toBe("200: tenant 0, registry 0");
});

test("the log line of a request tells its round trips", async () => {
  const requestId = randomUUID();
  const headers = { "x-request-id": requestId };
  await viewer.call("/api/v1/users", { ...newUser(), headers });
  await expect
    .poll(() => worker.lines.find((line) => line["requestId"] === requestId))
    .toMatchObject({ status: 403, trips: 2 });
});
