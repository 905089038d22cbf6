import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate } from "../../db/migrate.ts";
import { registryMigrations } from "../../db/migrations.gen.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import { platformOf } from "../../ports.backends.ts";
import { createJobScopes } from "../../ports.jobs.ts";
import { codeOf } from "../../testing/client.ts";
import { openRegistry, testBudget } from "../../testing/databases.ts";
import { newPerson, newTenant, stack } from "../../testing/harness.ts";
import { issueKey, programWith } from "../../testing/keys.ts";
import { type OwnSqld, startOwnSqld } from "../../testing/own-sqld.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { fillLog, verify } from "../../testing/sealing.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";
import type { JobScope } from "../scope.ts";
import { rebuildRegistry } from "./rebuild.service.ts";

// A server of its own, whose registry is lost.
let sqld: OwnSqld;
const workers: RunningWorker[] = [];
beforeAll(async () => {
  sqld = await startOwnSqld(stack);
});
afterAll(async () => {
  for (const worker of workers) await worker.stop();
  await sqld.stop();
});

async function newWorker() {
  const worker = await startWorker({ bundle: stack.bundle, settings: sqld.variables });
  workers.push(worker);
  return worker;
}

async function loseRegistry() {
  const platform = platformOf(sqld.settings, fetch);
  await platform.deleteDatabase("registry");
  await platform.ensureDatabase({ name: "registry" });
  await migrate(openRegistry(sqld.settings), registryMigrations);
}

const jobScope = (): JobScope => ({
  ...createJobScopes(sqld.settings, testBudget())("rebuild"),
  failed: () => {},
});

test("after the registry is lost it is rebuilt from the tenants' databases, and everybody works on", async () => {
  const before = await newWorker();
  const [acme, globex] = [
    await newTenant(before.url, sqld.settings),
    await newTenant(before.url, sqld.settings),
  ];
  const viewer = await acme.member({ accountRole: "VIEWER" });
  const deleted = await acme.member();
  await execute(acme.db, sql`update users set deleted_at = 1 where id = ${deleted.userId}`);
  const { key } = await issueKey(acme.owner, { scopes: ["VIEW_ALL_USERS"] });
  await execute(
    acme.db,
    "update tenant_identity set plan = 'gold', organization_id = 'org_acme', name = 'Acme'",
  );
  await execute(globex.db, "update tenant_identity set status = 'suspended'");
  await fillLog(acme.db, 20);
  await before.scheduled();
  await expect.poll(async () => (await verify(acme.owner)).unsealed).toBe(0);

  await loseRegistry();
  const registry = openRegistry(sqld.settings);
  const after = await newWorker();
  const at = (path: string) => `${after.url}/api/v1${path}`;
  expect(codeOf(await acme.owner.call(at("/users")))).toBe("403 tenant_forbidden");

  const platform = platformOf(sqld.settings, fetch);
  const unfinished = `${databaseNameOf(acme.id).slice(0, -1)}${acme.id.endsWith("0") ? 1 : 0}`;
  await platform.ensureDatabase({ name: unfinished });
  const names = [acme, globex].map(({ id }) => databaseNameOf(id));
  const rebuilt = await rebuildRegistry(jobScope(), [...names, unfinished, "registry", "other"]);
  expect(rebuilt).toEqual({
    tenants: 2,
    members: 3,
    former: 0,
    skipped: [{ name: unfinished, reason: expect.any(String) }],
  });

  expect((await acme.owner.call(at("/users"))).status).toBe(200);
  expect((await viewer.call(at("/accounts"))).status).toBe(200);
  expect((await programWith(key).call(at("/users"))).status).toBe(200);
  expect(codeOf(await globex.owner.call(at("/users")))).toBe("403 tenant_suspended");
  expect(codeOf(await deleted.call(at("/users")))).toMatch(/^403/);
  expect((await viewer.call<{ data: object[] }>(at("/tenants"))).body.data).toMatchObject([
    { id: acme.id, name: "Acme", plan: "gold", role: "member" },
  ]);
  const [row] = await rowsOf(registry, sql`select * from tenants where id = ${acme.id}`);
  expect(row).toMatchObject({ organization_id: "org_acme", database_name: names[0] });
  const taken = { name: "Taken", slug: acme.slug };
  const again = { method: "POST", body: taken };
  expect(codeOf(await newPerson().call(at("/tenants/register"), again))).toBe("409 slug_taken");

  await fillLog(acme.db, 5);
  await after.scheduled();
  const sealed = async () => {
    const { status, unsealed } = await verify({
      call: (path, options) => acme.owner.call(`${after.url}${path}`, options),
    });
    return { status, unsealed };
  };
  await expect.poll(sealed).toEqual({ status: "intact", unsealed: 0 });

  const kept = await rowsOf(registry, "select * from tenants order by id");
  await rebuildRegistry(jobScope(), names);
  expect(await rowsOf(registry, "select * from tenants order by id")).toEqual(kept);
});

test("of several databases of one tenant the one that changed last serves it, and the others are kept", async () => {
  await loseRegistry();
  const worker = await newWorker();
  const acme = await newTenant(worker.url, sqld.settings);
  const platform = platformOf(sqld.settings, fetch);
  const copy = `${databaseNameOf(acme.id)}-copy`;
  await platform.ensureDatabase({ name: copy, copyOf: { name: databaseNameOf(acme.id) } });
  await execute(acme.db, "update tenant_identity set name = 'Newer'");
  await loseRegistry();
  const rebuilt = await rebuildRegistry(jobScope(), [copy, databaseNameOf(acme.id)]);
  expect(rebuilt).toMatchObject({ tenants: 1, former: 1, skipped: [] });
  const ledger = "select name, state, keep_until from databases order by state";
  expect(await rowsOf(openRegistry(sqld.settings), ledger)).toEqual([
    { name: databaseNameOf(acme.id), state: "current", keep_until: null },
    { name: copy, state: "former", keep_until: null },
  ]);
  const fresh = await newWorker();
  expect((await acme.owner.call(`${fresh.url}/api/v1/tenant`)).body["name"]).toBe("Newer");
});
