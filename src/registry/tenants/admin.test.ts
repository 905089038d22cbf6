import { expect, test } from "vitest";
import { codeOf } from "../../testing/client.ts";
import { naming, newPerson, newTenant, registry, stack } from "../../testing/harness.ts";
import { newPlatformAdmin } from "../../testing/operators.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { startWorker } from "../../testing/worker.ts";
import type { AdminTenant } from "./admin.schema.ts";

const path = "/api/v1/admin/tenants";
type Page = { data: AdminTenant[]; meta: { totalItems: number; nextCursor: string | null } };
const patch = (body: object, tag?: string) => ({
  method: "PATCH",
  body,
  headers: { "if-match": tag },
});

test("platform admins find tenants by name and slug, and see where they are, not what is in them", async () => {
  const acme = await newTenant();
  // For a second page.
  await newTenant();
  const operator = await newPlatformAdmin();
  const found = await operator.call<Page>(`${path}?search=${acme.slug}`);
  expect(found.body.data).toEqual([
    {
      id: acme.id,
      slug: acme.slug,
      name: `Tenant ${acme.slug}`,
      status: "active",
      statusReason: null,
      statusSince: null,
      deleteAfter: null,
      legalHold: null,
      databaseAccess: "open",
      plan: "basic",
      region: null,
      schemaVersion: expect.any(Number),
      features: {},
      limits: {},
      metadata: {},
      organizationId: null,
      health: { status: null, error: null, latencyMs: null, checkedAt: null },
      lastBackupAt: null,
      tokenExpiresAt: expect.any(String),
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    },
  ]);
  const one = await operator.call<AdminTenant>(`${path}/${acme.id}`);
  expect(one.body).toEqual(found.body.data[0]);
  expect(one.headers["etag"]).toBe(`"${acme.id}.1"`);
  const none = await operator.call<Page>(`${path}?search=${acme.slug}&status=suspended`);
  expect(none.body.data).toEqual([]);
  const page = await operator.call<Page>(`${path}?limit=1&sortBy=name`);
  const next = await operator.call<Page>(
    `${path}?limit=1&sortBy=name&cursor=${page.body.meta.nextCursor}`,
  );
  expect(next.body.data[0]?.id).not.toBe(page.body.data[0]?.id);
});

test("features are merged, logged, and there for the tenant within the time a route is remembered", async () => {
  const settings = { ...stack.settings, ROUTE_CACHE_SECONDS: "1" };
  const worker = await startWorker({ bundle: stack.bundle, settings });
  try {
    const acme = await newTenant(worker.url);
    const operator = await newPlatformAdmin();
    const features = async () => (await acme.owner.call("/api/v1/tenant")).body["features"];
    expect(await features()).toEqual([]);
    const set = await operator.call<AdminTenant>(
      `${path}/${acme.id}`,
      patch({ features: { reports: true, beta: "true", seats: 5, old: false } }, `"${acme.id}.1"`),
    );
    expect(set).toMatchObject({ status: 200, body: { version: 2 } });
    await expect.poll(features, { timeout: 4000 }).toEqual(["reports"]);
    const merged = await operator.call<AdminTenant>(
      `${path}/${acme.id}`,
      patch({ features: { beta: true, seats: null } }),
    );
    expect(merged.body.features).toEqual({ reports: true, beta: true, old: false });
    const stale = await operator.call(
      `${path}/${acme.id}`,
      patch({ features: {} }, `"${acme.id}.1"`),
    );
    expect(codeOf(stale)).toBe("412 precondition_failed");
    const log = await rowsOf(
      registry,
      `select actor_type, actor_id from audit_logs where entity = 'tenants' and entity_id = '${acme.id}' and action = 'UPDATE' order by sequence desc limit 1`,
    );
    expect(log).toMatchObject([
      { actor_type: "operator", actor_id: expect.stringContaining(operator.subject) },
    ]);
  } finally {
    await worker.stop();
  }
});

test.each([
  { features: { "Not a name": true } },
  { features: { nested: { deep: true } } },
  { features: { __proto__x: true, long: "x".repeat(201) } },
  { organizationId: "" },
  { organizationId: "two words" },
  { slug: "other" },
  { plan: "Not a plan" },
  { name: "" },
  { limits: { users: -1 } },
  { limits: { users: 1.5 } },
  { metadata: { deep: { a: { b: { c: { d: { e: 1 } } } } } } },
  { metadata: { __proto__x: "x".repeat(8200) } },
  { status: "suspended" },
  {},
])("the change %j is refused", async (body) => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  expect(codeOf(await operator.call(`${path}/${acme.id}`, patch(body)))).toBe(
    "400 invalid_request",
  );
});

test("an organisation at the provider names the one tenant it is mapped to", async () => {
  const [acme, globex] = [await newTenant(), await newTenant()];
  const operator = await newPlatformAdmin();
  const organizationId = `org_${acme.slug}`;
  const map = (id: string) => operator.call(`${path}/${id}`, patch({ organizationId }));
  expect(codeOf(await map(acme.id))).toBe("200");
  expect(codeOf(await map(globex.id))).toBe("409 organization_taken");

  const worker = await startWorker({ bundle: stack.bundle, settings: stack.settings });
  try {
    const ask = async (org: unknown, headers: Record<string, string | undefined> = {}) => {
      const authorization = `Bearer ${await acme.owner.token({ org_id: org })}`;
      const person = naming(newPerson(worker.url), { authorization, ...headers });
      const answer = await person.call("/api/v1/tenant");
      return answer.status === 200 ? answer.body["slug"] : codeOf(answer);
    };
    expect(await ask(organizationId)).toBe(acme.slug);
    expect(await ask(organizationId, { "x-tenant-id": acme.slug })).toBe(acme.slug);
    expect(await ask(organizationId, { "x-tenant-id": globex.slug })).toBe("403 tenant_mismatch");
    expect(await ask("org_unknown")).toBe("403 tenant_forbidden");
    expect(await ask("org_unknown", { "x-tenant-id": acme.slug })).toBe("403 tenant_mismatch");
    expect(await ask(["org_1"], { "x-tenant-id": acme.slug })).toBe("403 tenant_mismatch");
    expect(await ask(undefined)).toBe("400 tenant_required");
  } finally {
    await worker.stop();
  }
});

test("what an operator changes is merged, logged in both databases and there for the tenant at once", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  const body = {
    name: "Acme Ltd",
    plan: "gold",
    limits: { users: 50, apiKeys: 3 },
    metadata: { crm: { id: 7 }, note: "pays late" },
  };
  const changed = await operator.call<AdminTenant>(`${path}/${acme.id}`, patch(body));
  expect(changed).toMatchObject({ status: 200, body: { ...body, version: 2 } });
  const more = { limits: { apiKeys: null }, metadata: { note: null, tier: 1 } };
  const again = await operator.call<AdminTenant>(`${path}/${acme.id}`, patch(more));
  expect(again.body).toMatchObject({
    limits: { users: 50 },
    metadata: { crm: { id: 7 }, tier: 1 },
    version: 3,
  });
  expect((await acme.owner.call("/api/v1/tenant")).body["name"]).toBe("Acme Ltd");
  expect(await rowsOf(acme.db, "select name, plan, version from tenant_identity")).toEqual([
    { name: "Acme Ltd", plan: "gold", version: 2 },
  ]);
  const logged = await acme.owner.call<{ data: { actorType: string; actorId: string }[] }>(
    "/api/v1/audit-logs?entity=tenant_identity&limit=1",
  );
  expect(logged.body.data).toMatchObject([
    { actorType: "operator", actorId: expect.stringContaining(operator.subject) },
  ]);
  const central = await operator.call<{ data: { changes: object }[]; meta: object }>(
    `/api/v1/admin/audit-logs?entityId=${acme.id}&entity=tenants&action=UPDATE&limit=1`,
  );
  expect(central.body.data).toMatchObject([
    {
      actorType: "operator",
      changes: { metadata: expect.anything(), version: { old: 2, new: 3 } },
    },
  ]);
});

test("a change that comes too late renames nothing, neither here nor there", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  const to = (name: string, tag: string) =>
    operator.call(`${path}/${acme.id}`, patch({ name }, `"${acme.id}.${tag}"`));
  expect(codeOf(await to("First", "1"))).toBe("200");
  expect(codeOf(await to("Second", "1"))).toBe("412 precondition_failed");
  expect((await acme.owner.call("/api/v1/tenant")).body["name"]).toBe("First");
});

test("metadata stays within its size, whatever is merged into it", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  const add = (key: string) =>
    operator.call(`${path}/${acme.id}`, patch({ metadata: { [key]: "x".repeat(5000) } }));
  expect(codeOf(await add("a"))).toBe("200");
  expect(codeOf(await add("b"))).toBe("400 invalid_request");
  expect((await operator.call<AdminTenant>(`${path}/${acme.id}`)).body.version).toBe(2);
});

test("tenants are found by id, status, plan, region, schema and health, in every order", async () => {
  const [acme, globex] = [await newTenant(), await newTenant()];
  const operator = await newPlatformAdmin();
  const plan = `p${acme.slug}`;
  for (const { id } of [acme, globex]) await operator.call(`${path}/${id}`, patch({ plan }));
  await execute(
    registry,
    `update tenants set health_status = 'unhealthy', region = 'fra', schema_version = 1 where id = '${acme.id}'`,
  );
  const find = async (query: string) => {
    const { status, body } = await operator.call<Page>(`${path}?plan=${plan}&${query}`);
    expect(status, query).toBe(200);
    return body.data.map(({ id }) => (id === acme.id ? "acme" : "globex"));
  };
  expect(await find(`search=${acme.id}`)).toEqual(["acme"]);
  expect(await find("health=unhealthy")).toEqual(["acme"]);
  expect(await find("health=unknown")).toEqual(["globex"]);
  expect(await find("region=fra")).toEqual(["acme"]);
  expect(await find("schemaVersion=1")).toEqual(["acme"]);
  expect(await find("status=suspended")).toEqual([]);
  const bySlug = [acme, globex].sort((a, b) => (a.slug < b.slug ? -1 : 1));
  expect(await find("sortBy=slug&sortOrder=asc")).toEqual(
    bySlug.map(({ id }) => (id === acme.id ? "acme" : "globex")),
  );
  expect(await find("sortBy=createdAt&sortOrder=desc")).toEqual(["globex", "acme"]);
});
