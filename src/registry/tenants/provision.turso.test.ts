import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { test as base, expect } from "vitest";
import { systemRequest } from "../../core/request.ts";
import { batch } from "../../db/batch.ts";
import { openTenantDb } from "../../db/connect.ts";
import { parseSettings } from "../../env.ts";
import { createPorts } from "../../ports.ts";
import { users } from "../../tenant/users/users.table.ts";
import { testBudget } from "../../testing/databases.ts";
import { newIdentity } from "../../testing/founder.ts";
import { newPerson, registry, stack } from "../../testing/harness.ts";
import { createTurso, type Turso } from "../../testing/turso.ts";
import { startWorker } from "../../testing/worker.ts";
import { operationSteps, operations } from "../operations/operations.table.ts";
import type { ProvisioningScope } from "../scope.ts";
import { registerTenant } from "./provision.service.ts";
import { tenants } from "./tenants.table.ts";

const test = base.extend<{
  unknownForMs: number;
  regions: Record<string, string> | undefined;
  turso: Turso;
}>({
  unknownForMs: 0,
  regions: undefined,
  turso: async ({ unknownForMs, regions }, use) => {
    const turso = createTurso(stack.settings, { unknownForMs, ...(regions && { regions }) });
    await use(turso);
    expect(turso.violations).toEqual([]);
  },
});

/** Somebody about to sign up under a slug of their own, on a deployment that has its databases at Turso. */
function newCustomer(turso: Turso, changed: Record<string, string> = {}) {
  const settings = parseSettings({ ...stack.settings, ...turso.settings, ...changed });
  const ports = createPorts(settings, turso.fetch);
  const caller = newIdentity();
  const slug = `t-${randomUUID().slice(0, 13)}`;
  const call = () => ({
    request: systemRequest("test"),
    budget: { ...testBudget(), fetch: turso.fetch },
  });
  return {
    slug,
    caller,
    ports,
    call,
    signUp: (altered: Partial<ProvisioningScope> = {}) =>
      registerTenant(
        { ...ports.openProvisioning(call(), caller), ...altered },
        { slug, name: slug },
      ),
  };
}

/** What the registry says of the sign-up under this slug. */
async function recorded(slug: string) {
  const [[tenant]] = await batch(registry, "read", [
    registry.select().from(tenants).where(eq(tenants.slug, slug)),
  ]);
  if (!tenant) throw new Error("never reserved");
  const [[operation], steps] = await batch(registry, "read", [
    registry.select().from(operations).where(eq(operations.tenantId, tenant.id)),
    registry
      .select({
        name: operationSteps.name,
        status: operationSteps.status,
        error: operationSteps.error,
      })
      .from(operationSteps)
      .innerJoin(operations, eq(operations.id, operationSteps.operationId))
      .where(eq(operations.tenantId, tenant.id))
      .orderBy(operationSteps.position),
  ]);
  if (!operation) throw new Error("no operation");
  return { tenant, operation, steps };
}

const asked = ({ calls }: Turso) => calls.map(({ operation }) => operation);

/** A way to open the tenant's database whose time is up after `ms`. */
const within =
  (ms: number, get: typeof fetch): ProvisioningScope["openTenant"] =>
  (address, id) =>
    openTenantDb(address, { ...testBudget(), deadline: Date.now() + ms, fetch: get }, id);

test("a customer signs up: one database in our group, found again through its stored host and sealed token", async ({
  turso,
}) => {
  const { signUp, slug, ports, call, caller } = newCustomer(turso);
  const before = Date.now();
  const result = await signUp();
  expect(result).toMatchObject({ slug, status: "active" });
  expect(asked(turso)).toEqual(["createDatabase", "createDatabaseToken"]);

  const { tenant } = await recorded(slug);
  const [database, ...more] = [...turso.databases.values()];
  expect(more).toEqual([]);
  expect(database).toMatchObject({
    name: tenant.databaseName,
    group: turso.group,
    hostname: tenant.databaseHost,
  });
  expect(tenant.tokenExpiresAt).toBeGreaterThanOrEqual(before + 365 * 86_400_000);
  expect(tenant.sealedToken?.split(".")).toHaveLength(5);

  const route = await ports.findTenant(ports.openRegistry(call(), caller), slug);
  expect(route?.address.url).toBe(`https://${tenant.databaseHost}`);
  const db = ports.openTenant(route ?? expect.fail("no route"), call().budget);
  const [people] = await batch(db, "read", [db.select({ email: users.email }).from(users)]);
  expect(people).toEqual([{ email: caller.email }]);
});

test("the deployed Worker signs a customer up and serves the new tenant from its host", async ({
  turso,
}) => {
  const { bundle } = stack;
  const settings = { ...stack.settings, ...turso.settings };
  const worker = await startWorker({ bundle, settings, outbound: turso.serve });
  try {
    const owner = newPerson(worker.url);
    const slug = `t-${randomUUID().slice(0, 13)}`;
    const body = { slug, name: slug };
    const made = await owner.call("/api/v1/tenants/register", { method: "POST", body });
    expect(made.status).toBe(201);
    const listed = await owner.call<{ data: { email: string }[] }>("/api/v1/users", {
      headers: { "x-tenant-id": slug },
    });
    expect(listed.status).toBe(200);
    expect(listed.body.data.map(({ email }) => email)).toEqual([owner.email]);
    expect(asked(turso)).toEqual(["createDatabase", "createDatabaseToken"]);
    const { tenant } = await recorded(slug);
    expect(turso.databases.get(tenant.databaseName)?.hostname).toBe(tenant.databaseHost);
    expect(JSON.stringify(worker.lines)).not.toContain(turso.apiToken);
  } finally {
    await worker.stop();
  }
});

test("a creation whose reply never comes ends the request, and the next one adopts what was made", async ({
  turso,
}) => {
  turso.misbehave({ with: "createDatabase", reply: "silence", done: true, times: 1 });
  const { signUp, slug } = newCustomer(turso, { DATABASE_TIMEOUT_MS: "1000" });
  await expect(signUp()).rejects.toMatchObject({ status: 503 });
  const stopped = await recorded(slug);
  expect(stopped.operation).toMatchObject({ status: "pending", leaseUntil: 0 });
  expect(stopped.steps[0]).toEqual({
    name: "create_database",
    status: "failed",
    error: "dependency_unavailable: The database platform does not answer",
  });

  expect(await signUp()).toMatchObject({ slug, status: "active" });
  expect(asked(turso)).toEqual([
    "createDatabase",
    "createDatabase",
    "getDatabase",
    "createDatabaseToken",
  ]);
  expect([...turso.databases.keys()]).toEqual([stopped.tenant.databaseName]);
});

test("no error of a sign-up holds the API token, in the answer or in the operation", async ({
  turso,
}) => {
  const body = { error: `Unauthorized: Bearer ${turso.apiToken}` };
  turso.misbehave({ with: "createDatabase", reply: { status: 401, body } });
  const { signUp, slug } = newCustomer(turso);
  await expect(signUp()).rejects.toMatchObject({ status: 503 });
  const { operation, steps } = await recorded(slug);
  expect(operation.error).toBe("config_invalid: TURSO_API_TOKEN is not accepted");
  expect(JSON.stringify([operation, steps])).not.toContain(turso.apiToken);
});

test.describe("of two regions", () => {
  test.override({ regions: { eu: "tenants", us: "tenants-us" } });

  test("the tenant's own is where its database goes, and the first where it has none", async ({
    turso,
  }) => {
    for (const [region, group] of [
      ["us", "tenants-us"],
      [null, "tenants"],
    ] as const) {
      turso.misbehave({ with: "createDatabase", reply: { status: 418 }, times: 1 });
      const { signUp, slug } = newCustomer(turso);
      await expect(signUp()).rejects.toMatchObject({ status: 503 });
      await registry.update(tenants).set({ region }).where(eq(tenants.slug, slug));
      expect(await signUp()).toMatchObject({ slug, status: "active" });
      const { databaseName } = (await recorded(slug)).tenant;
      expect(turso.databases.get(databaseName)?.group).toBe(group);
    }
  });
});

test.describe("a database that is not known yet", () => {
  test.override({ unknownForMs: 1000 });

  test("is waited for within the request, longer than for a passing 404", async ({ turso }) => {
    const { signUp, slug } = newCustomer(turso);
    expect(await signUp()).toMatchObject({ slug, status: "active" });
    expect(turso.unknownAnswers()).toBeGreaterThanOrEqual(3);
    // Each try counts against what a Worker may ask for in one request.
    expect(turso.unknownAnswers()).toBeLessThanOrEqual(6);
    expect((await recorded(slug)).operation.attempts).toBe(1);
  });
});

test.describe("a database that stays unknown", () => {
  test.override({ unknownForMs: 1500 });

  test("stops the sign-up in time to record it, and the next request goes on from there", async ({
    turso,
  }) => {
    const { signUp, slug } = newCustomer(turso);
    await expect(signUp({ openTenant: within(5400, turso.fetch) })).rejects.toMatchObject({
      status: 503,
      message: expect.stringContaining('"probe"'),
    });
    const { operation, steps } = await recorded(slug);
    expect(operation).toMatchObject({ status: "pending", leaseUntil: 0 });
    expect(steps.map(({ status }) => status)).toEqual([
      "succeeded",
      "succeeded",
      "failed",
      "pending",
      "pending",
      "pending",
      "pending",
    ]);

    expect(await signUp()).toMatchObject({ slug, status: "active" });
    expect(asked(turso)).toEqual(["createDatabase", "createDatabaseToken"]);
  });
});

test("a driver that lost its lease and fails takes nothing back from the one that got through", async ({
  turso,
}) => {
  const { signUp, slug } = newCustomer(turso);
  const leaseMs = 1000;
  const taken = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const stuck: typeof fetch = async () => {
    taken.resolve();
    await over.promise;
    return new Response("{}", { status: 404 });
  };
  const [loser, winner] = await Promise.allSettled([
    signUp({ leaseMs, openTenant: within(1000, stuck) }),
    taken.promise.then(() => signUp({ leaseMs })).finally(over.resolve),
  ]);
  expect(loser).toMatchObject({ status: "rejected", reason: { status: 503 } });
  expect(winner).toMatchObject({ status: "fulfilled", value: { status: "active" } });
  const { operation, steps } = await recorded(slug);
  expect(operation).toMatchObject({ status: "succeeded", attempts: 2, error: null });
  expect(new Set(steps.map(({ status }) => status))).toEqual(new Set(["succeeded"]));
});
