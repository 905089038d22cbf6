import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseNameOf } from "../../platform/platform.ts";
import { codeOf } from "../../testing/client.ts";
import { newPerson, newTenant, type Person, registry, stack } from "../../testing/harness.ts";
import { keyOf } from "../../testing/keys.ts";
import { newPlatformAdmin, takeGrant } from "../../testing/operators.ts";
import { startProxy } from "../../testing/proxy.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";
import type { AdminTenant } from "./admin.schema.ts";

let elsewhere: RunningWorker;
let operator: Person;
beforeAll(async () => {
  const settings = { ...stack.settings, ROUTE_CACHE_SECONDS: "600" };
  elsewhere = await startWorker({ bundle: stack.bundle, settings });
  operator = await newPlatformAdmin();
});
afterAll(() => elsewhere.stop());

const reason = "Invoices have not been paid since March";
const at = (id: string) => `/api/v1/admin/tenants/${id}/suspension`;
const suspend = (id: string, body: object = { reason }) =>
  operator.call<AdminTenant>(at(id), { method: "POST", body });
const lift = (id: string) => operator.call<AdminTenant>(at(id), { method: "DELETE" });
const enter = (person: Pick<Person, "call">, slug: string, base = stack.apiUrl) =>
  person.call(`${base}/api/v1/users`, { headers: { "x-tenant-id": slug } }).then(codeOf);
const create = { method: "POST", body: { name: "Ada", email: "ada@acme.test" } };

test("a suspension keeps members and keys out everywhere on the next request, and tells nobody else", async () => {
  const acme = await newTenant();
  const key = await keyOf(acme.owner);
  for (const base of [stack.apiUrl, elsewhere.url])
    expect(await enter(acme.owner, acme.slug, base)).toBe("200");

  const { status, body } = await suspend(acme.id);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { status: "suspended", statusReason: reason, databaseAccess: "readOnly", version: 2 },
  });
  for (const base of [stack.apiUrl, elsewhere.url]) {
    expect(await enter(acme.owner, acme.slug, base)).toBe("403 tenant_suspended");
    expect(await enter(newPerson(), acme.slug, base)).toBe("403 tenant_forbidden");
    const made = await acme.owner.call(`${base}/api/v1/users`, create);
    expect(codeOf(made)).toBe("403 tenant_suspended");
  }
  expect(codeOf(await key.call("/api/v1/users"))).toBe("403 tenant_suspended");

  const again = await lift(acme.id);
  expect(again.body).toMatchObject({
    status: "active",
    statusReason: null,
    databaseAccess: "open",
  });
  for (const base of [stack.apiUrl, elsewhere.url])
    expect(await enter(acme.owner, acme.slug, base)).toBe("200");
  expect(codeOf(await acme.owner.call("/api/v1/users", create))).toBe("201");
});

test("the platform lets no write through to a suspended tenant, past us too, and nothing to a closed one", async () => {
  const acme = await newTenant();
  await suspend(acme.id);
  const rename = "update users set name = 'x'";
  await expect(execute(acme.db, rename)).rejects.toThrow("is blocked");
  expect(await rowsOf(acme.db, "select name from users")).toHaveLength(1);

  expect((await suspend(acme.id, { reason, database: "closed" })).body).toMatchObject({
    databaseAccess: "closed",
  });
  await expect(rowsOf(acme.db, "select 1")).rejects.toThrow("is blocked");
  expect(await enter(acme.owner, acme.slug)).toBe("403 tenant_suspended");
  expect(await enter(newPerson(), acme.slug)).toBe("403 tenant_forbidden");

  await lift(acme.id);
  expect(await enter(acme.owner, acme.slug)).toBe("200");
});

test("a platform admin enters a suspended tenant whose database they left open", async () => {
  const acme = await newTenant();
  await suspend(acme.id, { reason, database: "open" });
  await takeGrant(operator, acme.id);
  expect(await enter(operator, acme.slug)).toBe("200");
  expect(await enter(acme.owner, acme.slug)).toBe("403 tenant_suspended");
});

test("the tenant's own log and the registry's say who suspended it and why", async () => {
  const acme = await newTenant();
  await suspend(acme.id);
  const own = sql`select actor_type, actor_id, changes from audit_logs where entity = 'tenant_identity' order by sequence desc limit 1`;
  const central = sql`select actor_type, actor_id, changes from audit_logs where entity = 'tenants' and entity_id = ${acme.id} order by sequence desc limit 1`;
  const entries = [...(await rowsOf(acme.db, own)), ...(await rowsOf(registry, central))];
  expect(entries).toHaveLength(2);
  for (const { actor_type, actor_id, changes } of entries) {
    expect([actor_type, actor_id]).toEqual(["operator", expect.stringContaining(operator.subject)]);
    expect(JSON.parse(String(changes))).toMatchObject({
      status: { old: "active", new: "suspended" },
      status_reason: { old: null, new: reason },
    });
  }
});

test("what was lost between the stamp, the registry and the platform is made up for by repeating it", async () => {
  const acme = await newTenant();
  const proxy = await startProxy(stack.settings);
  const worker = await startWorker({
    bundle: stack.bundle,
    settings: { ...stack.settings, ...proxy.settings, DATABASE_TIMEOUT_MS: "400" },
  });
  try {
    const body = { reason };
    const name = databaseNameOf(acme.id);
    const outage = proxy.disturb({
      of: ({ door, namespace }) => door === "admin" && namespace === name,
      at: "request",
      by: "cut",
    });
    const lost = await operator.call(`${worker.url}${at(acme.id)}`, { method: "POST", body });
    expect(codeOf(lost)).toBe("503 dependency_unavailable");
    expect(await enter(acme.owner, acme.slug)).toBe("403 tenant_suspended");
    await expect(execute(acme.db, "update users set name = 'x'")).resolves.toBeUndefined();
    outage.lift();
    const repeated = await operator.call(`${worker.url}${at(acme.id)}`, { method: "POST", body });
    expect(codeOf(repeated)).toBe("200");
    await expect(execute(acme.db, "update users set name = 'x'")).rejects.toThrow("is blocked");
  } finally {
    await worker.stop();
    await proxy.stop();
  }
});

test("a tenant that is no more, or never was, is not suspended", async () => {
  const acme = await newTenant();
  await execute(registry, sql`update tenants set status = 'deleted' where id = ${acme.id}`);
  expect(codeOf(await suspend(acme.id))).toBe("409 conflict");
  expect(codeOf(await lift(acme.id))).toBe("409 conflict");
  expect(codeOf(await suspend(acme.id.replace(/.{4}$/, "0000")))).toBe("404 not_found");
});
