import { randomUUID } from "node:crypto";
import { eq, sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { systemRequest } from "../../core/request.ts";
import { batch } from "../../db/batch.ts";
import { createPorts } from "../../ports.ts";
import { codeOf } from "../../testing/client.ts";
import { testBudget } from "../../testing/databases.ts";
import { newIdentity } from "../../testing/founder.ts";
import { newTenant, registry, settings, stack } from "../../testing/harness.ts";
import { newPlatformAdmin } from "../../testing/operators.ts";
import { startProxy } from "../../testing/proxy.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
import { useEndableToken } from "../../testing/replaceable-token.ts";
import { startWorker } from "../../testing/worker.ts";
import type { Operation } from "../operations/operations.schema.ts";
import { rotateCredentials } from "./rotate.service.ts";
import { tenants } from "./tenants.table.ts";

const credentials = (id: string) => `/api/v1/admin/tenants/${id}/credentials`;
const post = { method: "POST" };
const names = ({ steps }: Operation) => steps.map(({ name, status }) => `${name} ${status}`);

test("while a token is replaced and the old one ended, no request of any Worker fails", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  const old = await useEndableToken(acme);
  const proxy = await startProxy(stack.settings);
  const variables = { ...stack.settings, ...proxy.settings, ROUTE_CACHE_SECONDS: "600" };
  const workers = await Promise.all(
    [1, 2].map(() => startWorker({ bundle: stack.bundle, settings: variables })),
  );
  try {
    const read = (url: string) => acme.owner.call(`${url}/api/v1/users`);
    const create = (url: string) =>
      acme.owner.call(`${url}/api/v1/users`, {
        method: "POST",
        body: { name: "Ada", email: `${randomUUID()}@acme.test` },
      });
    for (const { url } of workers) expect((await read(url)).status).toBe(200);

    let loaded = true;
    const answers: string[] = [];
    const load = workers.flatMap(({ url }) =>
      [read, create].map(async (ask) => {
        while (loaded) answers.push(codeOf(await ask(url)));
      }),
    );
    const begun = await operator.call<Operation>(credentials(acme.id), post);
    expect(begun.status).toBe(202);
    const before = answers.length;
    await old.end();
    await expect.poll(() => answers.length, { timeout: 20_000 }).toBeGreaterThan(before + 40);
    loaded = false;
    await Promise.all(load);
    expect(new Set(answers)).toEqual(new Set(["200", "201"]));
    const [first] = workers;
    const warm = await proxy.counted(() => read(first?.url ?? ""));
    expect(warm.by["registry"], "the new token is remembered").toBeUndefined();
  } finally {
    for (const worker of workers) await worker.stop();
    await proxy.stop();
  }
});

test("a token that is refused and was not replaced is a 503, and says nothing of it", async () => {
  const acme = await newTenant();
  const old = await useEndableToken(acme);
  await old.end();
  const worker = await startWorker({ bundle: stack.bundle, settings: stack.settings });
  try {
    const answer = await acme.owner.call(`${worker.url}/api/v1/users`);
    expect(codeOf(answer)).toBe("503 dependency_unavailable");
    const operator = await newPlatformAdmin({ base: worker.url });
    expect((await operator.call(credentials(acme.id), post)).status).toBe(202);
    expect((await acme.owner.call(`${worker.url}/api/v1/users`)).status).toBe(200);
  } finally {
    await worker.stop();
  }
});

test("a change of token waits until nobody remembers the old one, and is one at a time", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  const { body, headers } = await operator.call<Operation>(credentials(acme.id), post);
  expect(headers["location"]).toBe(`/api/v1/admin/operations/${body.id}`);
  expect(body).toMatchObject({ kind: "rotate", status: "pending", tenantId: acme.id });
  expect(names(body)).toEqual(["mint_token succeeded", "wait pending", "end_old_tokens pending"]);
  expect(JSON.stringify(body)).not.toMatch(/eyJ/);
  expect(codeOf(await operator.call(credentials(acme.id), post))).toBe("409 conflict");
});

test("a platform that ends tokens ends them once nobody uses them, and the next one is stored", async () => {
  const acme = await newTenant();
  const request = systemRequest("test");
  const caller = newIdentity();
  const ports = createPorts(settings, fetch);
  const scope = ports.openProvisioning({ request, budget: testBudget() }, caller);
  const stored = async () => {
    const [[row]] = await batch(registry, "read", [
      registry.select({ token: tenants.sealedToken }).from(tenants).where(eq(tenants.id, acme.id)),
    ] as const);
    return row?.token;
  };
  const ended: string[] = [];
  const endTokens = async (name: string) => {
    ended.push(`${name} ${(await stored()) === before ? "before" : "after"} a new one`);
    return true;
  };
  const before = await stored();
  const platform = { ...scope.platform, endTokens };
  const id = await rotateCredentials({ ...scope, platform, routesLastMs: 0 }, acme.id);
  expect(ended).toEqual([`${acme.id.replaceAll("_", "-")} after a new one`]);
  const steps = await rowsOf(
    registry,
    sql`select name, status, attempts from operation_steps where operation_id = ${id}`,
  );
  expect(steps.map(({ name, status, attempts }) => `${name} ${status} ${attempts}`)).toEqual([
    "mint_token succeeded 1",
    "wait succeeded 1",
    "end_old_tokens succeeded 1",
  ]);
  expect((await acme.owner.call("/api/v1/users")).status).toBe(200);
});
