import { expect, test } from "vitest";
import { codeOf } from "../../testing/client.ts";
import { naming, newPerson, newTenant, registry, stack } from "../../testing/harness.ts";
import { newPlatformAdmin } from "../../testing/operators.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
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
      organizationId: null,
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
  { plan: "gold" },
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
