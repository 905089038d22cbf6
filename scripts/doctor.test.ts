import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRegistry } from "../src/testing/databases.ts";
import { newTenant, stack, type TestTenant } from "../src/testing/harness.ts";
import { type OwnSqld, startOwnSqld } from "../src/testing/own-sqld.ts";
import { execute } from "../src/testing/raw-sql.ts";
import { startWorker } from "../src/testing/worker.ts";
import { diagnose } from "./doctor.ts";

// A server of its own: what other tests break is no illness of this deployment.
let sqld: OwnSqld;
let registry: ReturnType<typeof openRegistry>;
let acme: TestTenant;
beforeAll(async () => {
  sqld = await startOwnSqld(stack);
  registry = openRegistry(sqld.settings);
  const worker = await startWorker({ bundle: stack.bundle, settings: sqld.variables });
  acme = await newTenant(worker.url, sqld.settings);
  await worker.stop();
});
afterAll(() => sqld.stop());

async function failing(changed: Record<string, string> = {}) {
  const lines: string[] = [];
  const variables = { ...sqld.variables, ...changed };
  const isWell = await diagnose(variables, (line) => lines.push(line));
  const told = lines.join("\n");
  for (const name of ["GLOBAL_AUTH_TOKEN", "SECRET_KEY", "ENCRYPTION_KEY", "SQLD_ADMIN_KEY"])
    expect(told, name).not.toContain(variables[name]);
  const failed = lines.filter((line) => line.startsWith("FAIL"));
  expect(isWell).toBe(failed.length === 0);
  for (const line of failed) expect(line).toMatch(/ Mend: .+\.$/);
  return failed.map((line) => line.replace(/^FAIL {2}([^:]+):.*/, "$1"));
}

test("a deployment that is well has nothing to mend", async () => {
  expect(await failing()).toEqual([]);
});

test.each([
  [{ SECRET_KEY: "change-me" }, ["configuration"]],
  [{ JWKS_URI: "http://127.0.0.1:1/jwks" }, ["identity provider"]],
  [{ SQLD_ADMIN_KEY: "wrong" }, ["database platform"]],
  [{ ENCRYPTION_KEY: `k7:${Buffer.alloc(32, 1).toString("base64url")}` }, ["a tenant"]],
])("what is wrong with %j is told apart", async (changed, expected) => {
  expect(await failing(changed as unknown as Record<string, string>)).toEqual(expected);
});

test("what ails tenants, operations and the platform is named", async () => {
  await execute(acme.db, "update tenant_identity set tenant_id = 'tnt_another'");
  await execute(
    registry,
    sql`update tenants set health_status = 'unhealthy', token_expires_at = ${Date.now()}`,
    sql`update operations set status = 'pending', failures = 1, created_at = 1`,
    sql`update operation_steps set finished_at = 1`,
    sql`insert into findings (id, kind, subject, detail, first_seen_at, last_seen_at)
      values ('fnd_1', 'database_missing', 'tnt-x', 'x', 1, 1)`,
  );
  expect(await failing()).toEqual([
    "a tenant",
    "tenants' health",
    "tokens",
    "operations",
    "findings",
  ]);
});
