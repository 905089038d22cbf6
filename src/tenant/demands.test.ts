import { randomUUID } from "node:crypto";
import { createRoute, z } from "@hono/zod-openapi";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createApp } from "../app.ts";
import { type Access, admission } from "../core/access.ts";
import { type AccountRole, accountRoles } from "../core/roles.ts";
import { tenantRouter } from "../http/context.ts";
import { openapiDocument } from "../http/document.ts";
import { guarded, tenantErrors } from "../http/guard.ts";
import { json } from "../http/openapi.ts";
import { createPorts } from "../ports.ts";
import { newTenant, registry, settings } from "../testing/harness.ts";
import { issueKey } from "../testing/keys.ts";
import { execute } from "../testing/raw-sql.ts";
import { read } from "./read.ts";

// The app runs here and not in a Worker: its log would be the test run's.
beforeAll(() => {
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterAll(() => {
  vi.restoreAllMocks();
});

/** The product with one route more, which demands this. */
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

async function askFor(access: Access, headers: Record<string, string>): Promise<string> {
  const app = newApp(access);
  const answer = await app.request("/api/v1/reports", { headers }, {}, context as never);
  const body = (await answer.json()) as { code?: string };
  return answer.status < 400 ? `${answer.status}` : `${answer.status} ${body.code}`;
}

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
  const ask = async (access: Access, person = acme.owner) =>
    askFor(access, { "x-tenant-id": acme.slug, authorization: `Bearer ${await person.token()}` });
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

const demands: Access[] = [
  { role: "EDITOR" },
  { role: "ADMIN", additionalRoles: ["BILLING"] },
  { permission: "VIEW_ANALYTICS" },
  { anyPermission: ["VIEW_BILLING", "VIEW_ANALYTICS"] },
  { anyPermission: [] },
  { allPermissions: ["VIEW_ANALYTICS", "VIEW_CONTENT"] },
  { allPermissions: [] },
];

test.each(demands)(
  "%j is enforced for people as it is declared, whatever they are in the account",
  async (access) => {
    const acme = await newTenant();
    const admitted: AccountRole[] = [];
    for (const accountRole of accountRoles) {
      const member = await acme.member({ accountRole });
      const authorization = `Bearer ${await member.token()}`;
      const named = { "x-tenant-id": acme.slug, "account-id": acme.accountId };
      const answer = await askFor(access, { authorization, ...named });
      if (answer === "200") admitted.push(accountRole);
      else expect(answer).toBe("403 forbidden");
    }
    expect(admitted).toEqual(admission(access).roles);
  },
);

test("a key is admitted by the permissions it names, any or all as the route demands", async () => {
  const acme = await newTenant();
  const two = ["VIEW_ANALYTICS", "VIEW_CONTENT"] as const;
  const outcomes = async (access: Access) => {
    const answers: string[] = [];
    for (const scopes of [[], [two[0]], [two[1]], [...two], ["VIEW_BILLING"] as const]) {
      const { key } = await issueKey(acme.owner, { scopes });
      answers.push(await askFor(access, { authorization: `Bearer ${key}` }));
    }
    return answers.map((answer) => answer.slice(0, 3)).join(" ");
  };
  expect(await outcomes({ permission: two[0] })).toBe("403 200 403 200 403");
  expect(await outcomes({ anyPermission: two })).toBe("403 200 200 200 403");
  expect(await outcomes({ allPermissions: two })).toBe("403 403 403 200 403");
  expect(await outcomes({ anyPermission: [] })).toBe("403 403 403 403 403");
  expect(await outcomes({ role: "VIEWER" })).toBe("403 403 200 200 403");
});
