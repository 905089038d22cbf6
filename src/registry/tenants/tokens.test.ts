import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseSettings } from "../../env.ts";
import { createJobScopes } from "../../ports.jobs.ts";
import { openRegistry, testBudget } from "../../testing/databases.ts";
import { newTenant, stack, type TestTenant } from "../../testing/harness.ts";
import { type OwnSqld, startOwnSqld } from "../../testing/own-sqld.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";
import type { JobScope } from "../scope.ts";
import { reportCredentials } from "./credentials.service.ts";
import { renewTokens, resealTokens } from "./tokens.service.ts";

// A server of its own: what is done here is done to every tenant in the registry.
let sqld: OwnSqld;
let worker: RunningWorker;
let registry: ReturnType<typeof openRegistry>;
beforeAll(async () => {
  sqld = await startOwnSqld(stack);
  registry = openRegistry(sqld.settings);
  const settings = { ...sqld.variables, ROUTE_CACHE_SECONDS: "0" };
  worker = await startWorker({ bundle: stack.bundle, settings });
});
afterAll(async () => {
  await worker.stop();
  await sqld.stop();
});

const newCustomer = () => newTenant(worker.url, sqld.settings);
type Failure = { tenantId: string; error: unknown };
function jobScope(variables: Record<string, string> = {}) {
  const failures: Failure[] = [];
  const settings = parseSettings({ ...sqld.variables, ...variables });
  const open = createJobScopes(settings, testBudget());
  const failed: JobScope["failed"] = (tenantId, error) => failures.push({ tenantId, error });
  return { scope: { ...open("test"), failed }, failures };
}
const tokenOf = async ({ id }: TestTenant) => {
  const query = sql`select sealed_token, sealed_with, token_expires_at, version from tenants where id = ${id}`;
  return (await rowsOf(registry, query))[0] as {
    sealed_token: string;
    sealed_with: string | null;
    token_expires_at: number;
    version: number;
  };
};
const dayMs = 86_400_000;

test("tokens about to expire are renewed, others are not, and one that cannot be stops no other", async () => {
  const [soon, late, unlucky] = [await newCustomer(), await newCustomer(), await newCustomer()];
  const expire = (tenant: TestTenant, days: number) =>
    execute(
      registry,
      sql`update tenants set token_expires_at = ${Date.now() + days * dayMs} where id = ${tenant.id}`,
    );
  await expire(soon, 29);
  await expire(late, 31);
  await expire(unlucky, 1);
  const before = { soon: await tokenOf(soon), late: await tokenOf(late) };
  const { scope, failures } = jobScope();
  const mintToken: typeof scope.platform.mintToken = (name) =>
    name.includes(unlucky.id.slice(4))
      ? Promise.reject(new Error("It will not"))
      : scope.platform.mintToken(name);
  const done = await renewTokens({ ...scope, platform: { ...scope.platform, mintToken } });
  expect(done).toEqual({ tenants: 2, failed: 1 });
  expect(failures.map(({ tenantId }) => tenantId)).toEqual([unlucky.id]);
  const after = await tokenOf(soon);
  expect(after.sealed_token).not.toBe(before.soon.sealed_token);
  expect(after.token_expires_at).toBeGreaterThan(Date.now() + 364 * dayMs);
  expect(await tokenOf(late)).toEqual(before.late);
  expect((await soon.owner.call("/api/v1/users")).status).toBe(200);
  await expire(unlucky, 300);
});

test("a new key seals every token, and the old one may go when it seals none", async () => {
  const [acme, broken] = [await newCustomer(), await newCustomer()];
  const old = sqld.variables["ENCRYPTION_KEY"] as string;
  const ring = `k9:${Buffer.alloc(32, 7).toString("base64url")},${old}`;
  await execute(
    registry,
    sql`update tenants set sealed_with = null`,
    sql`update tenants set sealed_token = 'x' where id = ${broken.id}`,
  );
  const { scope, failures } = jobScope({ ENCRYPTION_KEY: ring });
  const [kid = ""] = old.split(":");
  const all = (await rowsOf(registry, "select id from tenants")).length;
  const report = async () => {
    const { keys } = await reportCredentials(scope);
    return keys.map(({ kid: key, tenants }) => `${key} ${tenants}`);
  };
  expect(await report()).toEqual(["k9 0", `${kid} 0`, `null ${all}`]);
  expect(await resealTokens(scope)).toEqual({ tenants: all, failed: 1 });
  expect(failures.map(({ tenantId }) => tenantId)).toEqual([broken.id]);
  expect(await report()).toEqual([`k9 ${all - 1}`, `${kid} 0`, "null 1"]);
  expect(await tokenOf(acme)).toMatchObject({ sealed_with: "k9", version: 1 });

  const settings = { ...sqld.variables, ENCRYPTION_KEY: ring.split(",")[0] as string };
  const without = await startWorker({ bundle: stack.bundle, settings });
  const answer = await acme.owner.call(`${without.url}/api/v1/users`);
  await without.stop();
  expect(answer.status).toBe(200);
  await execute(registry, sql`delete from tenants where id = ${broken.id}`);
  expect(await resealTokens(jobScope({ ENCRYPTION_KEY: ring }).scope)).toEqual({
    tenants: 0,
    failed: 0,
  });
});
