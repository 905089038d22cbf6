import { randomUUID } from "node:crypto";
import { createRoute, z } from "@hono/zod-openapi";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createApp } from "../app.ts";
import type { Access } from "../core/access.ts";
import { tenantRouter } from "../http/context.ts";
import { openapiDocument } from "../http/document.ts";
import { guarded, tenantErrors } from "../http/guard.ts";
import { json } from "../http/openapi.ts";
import { createPorts } from "../ports.ts";
import { newTenant, registry, settings } from "../testing/harness.ts";
import { execute } from "../testing/raw-sql.ts";
import { read } from "./read.ts";

// The app runs here and not in a Worker: its log would be the test run's.
beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterAll(() => {
  vi.restoreAllMocks();
});

/** The product with one route more, which asks for a feature. */
function newApp(access: Access) {
  const app = createApp({
    ports: createPorts({ ...settings, ROUTE_CACHE_SECONDS: 0 }, fetch),
    limits: { timeoutMs: 5000, writers: 4, fetch },
    cors: { origins: [], credentials: false },
    docs: { title: "", openapi: "", docs: "", redoc: "" },
  });
  const reports = tenantRouter();
  const answer = z.object({ ok: z.boolean() });
  reports.openapi(
    createRoute({
      ...guarded(access),
      method: "get",
      path: "/reports",
      responses: { 200: json(answer, "Reports"), ...tenantErrors() },
    }),
    async (c) => {
      await read(c.var.scope, []);
      return c.json({ ok: true }, 200);
    },
  );
  app.route("/api/v1", reports);
  return app;
}
const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} };

test.each([
  [true, "200"],
  ["true", "403 feature_disabled"],
  [1, "403 feature_disabled"],
  [{}, "403 feature_disabled"],
  [false, "403 feature_disabled"],
  [undefined, "403 feature_disabled"],
])("a feature of the value %j answers %s", async (value, outcome) => {
  const acme = await newTenant();
  const features = JSON.stringify({ reports: value, toString: true });
  await execute(registry, `update tenants set features = '${features}' where id = '${acme.id}'`);
  const ask = async (access: Access, person = acme.owner) => {
    const headers = { authorization: `Bearer ${await person.token()}`, "x-tenant-id": acme.slug };
    const answer = await newApp(access).request(
      "/api/v1/reports",
      { headers },
      {},
      context as never,
    );
    const body = (await answer.json()) as { code?: string };
    return answer.status < 400 ? `${answer.status}` : `${answer.status} ${body.code}`;
  };
  expect(await ask({ member: true, feature: "reports" })).toBe(outcome);
  expect(await ask({ tenantRole: "owner", feature: "toString" })).toBe("200");
  expect(await ask({ member: true, feature: "constructor" })).toBe("403 feature_disabled");
  const stranger = (await newTenant()).owner;
  expect(await ask({ member: true, feature: "reports" }, stranger)).toBe("403 tenant_forbidden");
});

test("the document says which feature a route needs", () => {
  const feature = `f-${randomUUID()}`;
  const document = openapiDocument(newApp({ member: true, feature }), "", "X-Tenant-ID");
  const { description } = document.paths["/api/v1/reports"]?.["get"] ?? {};
  expect(description).toContain(`where the tenant has the feature ${feature}`);
});
