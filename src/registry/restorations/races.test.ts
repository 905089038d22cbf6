import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../core/id.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import { createPorts } from "../../ports.ts";
import {
  askForBackup,
  askForMove,
  askForRestoration,
  askForUndo,
  backUp,
  finish,
  ledgerFor,
  openBucket,
  openJob,
  restore,
} from "../../testing/archive.ts";
import { codeOf } from "../../testing/client.ts";
import { newIdentity } from "../../testing/founder.ts";
import {
  newPerson,
  newTenant,
  registry,
  settings,
  type TestTenant,
} from "../../testing/harness.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { openWork } from "../../testing/work.ts";
import { commit } from "../commit.ts";
import { deleteFormerDatabases } from "../databases/former.service.ts";
import { kinds } from "../kinds.ts";
import { migrateTenant } from "../migrations/migrate-tenant.service.ts";
import { operationWrites } from "../operations/begin.ts";
import type { Step } from "../operations/kind.ts";
import type { OperationKind } from "../operations/operations.table.ts";
import { giveUpOperation } from "../operations/steer.service.ts";
import type { JobScope, WorkScope } from "../scope.ts";
import { foundForOwner } from "../tenants/found-for-owner.service.ts";
import { suspendTenant } from "../tenants/suspension.service.ts";

// What happens between two steps of long work, or while one is taken: forced to happen there.

let bucket: Awaited<ReturnType<typeof openBucket>>;
let scope: JobScope;
beforeAll(async () => {
  bucket = await openBucket();
  scope = openJob(bucket.bucket);
});
afterAll(() => bucket.close());

/** A driver during whose step this happens, when its effect is there and its record is not. */
function during<S extends WorkScope>(
  given: S,
  kind: OperationKind,
  name: string,
  then: () => Promise<unknown>,
): S {
  const real = kinds[kind].steps[name] as Step;
  const step: Step = async (...taken) => {
    const found = await real(...taken);
    await then();
    return found;
  };
  const changed = { ...kinds[kind], steps: { ...kinds[kind].steps, [name]: step } };
  return { ...given, kinds: { ...kinds, [kind]: changed } };
}

async function begun(kind: OperationKind, { id: tenantId }: TestTenant): Promise<string> {
  const id = newId("operation");
  const asked = { tenantId, issuer: "test", subject: "test", input: {}, now: Date.now() };
  await commit(scope, operationWrites(scope.db, { id, kind, ...asked }, kinds[kind]));
  return id;
}

const rename = ({ owner }: Pick<TestTenant, "owner">) =>
  owner
    .call("/api/v1/tenant", {
      method: "PATCH",
      body: { name: "New" },
      headers: { "if-match": "*" },
    })
    .then(codeOf);
const outcomeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error: Error) => error.name,
  );
const operation = async (id: string) =>
  (await rowsOf(registry, sql`select * from operations where id = ${id}`))[0];
const dueNow = (id: string) =>
  execute(registry, sql`update operations set retry_at = 0, lease_until = 0 where id = ${id}`);

test("what is given up while the tenant is being held leaves it writable", async () => {
  for (const kind of ["move", "restore"] as const) {
    const acme = await newTenant();
    const id =
      kind === "move"
        ? await askForMove(scope, acme)
        : await askForRestoration(scope, acme, (await backUp(scope, acme)).id);
    const driver = during(scope, kind, "hold_writes", () => giveUpOperation(scope, id));
    expect(await outcomeOf(finish(driver, id))).toBe("LeaseHeld");
    await finish(scope, id);
    expect(await operation(id)).toMatchObject({ status: "failed" });
    expect(await rename(acme), kind).toBe("200");
  }
});

test("a database that a restoration is taken back into is not destroyed, however late the job is", async () => {
  const [slow, acme] = [await newTenant(), await newTenant()];
  for (const tenant of [slow, acme]) await restore(scope, tenant, (await backUp(scope, tenant)).id);
  const [restored] = await rowsOf<{ id: string }>(
    registry,
    sql`select id from operations where tenant_id = ${acme.id} and kind = 'restore'`,
  );
  const undo = await askForUndo(scope, acme, restored?.id ?? "");
  const [first, second] = [databaseNameOf(slow.id), databaseNameOf(acme.id)];
  await execute(
    registry,
    sql`update operations set status = 'failed' where id = ${undo}`,
    sql`update databases set keep_until = 1 where name = ${first}`,
    sql`update databases set keep_until = 2 where name = ${second}`,
  );
  const deleteDatabase = async (name: string) => {
    if (name === first) {
      await execute(registry, sql`update operations set status = 'pending' where id = ${undo}`);
      await finish(scope, undo);
    }
    await scope.platform.deleteDatabase(name);
  };
  await deleteFormerDatabases({ ...scope, platform: { ...scope.platform, deleteDatabase } });
  expect(await scope.platform.findDatabase(first)).toBeUndefined();
  expect(await scope.platform.findDatabase(second)).toBeDefined();
  expect(await rename(acme)).toBe("200");
});

test("what a restoration replaced cannot be taken back once its time is over", async () => {
  const acme = await newTenant();
  const { id } = await restore(scope, acme, (await backUp(scope, acme)).id);
  await execute(
    registry,
    sql`update databases set keep_until = 1 where name = ${databaseNameOf(acme.id)}`,
  );
  await expect(askForUndo(scope, acme, id)).rejects.toThrow("kept no longer");
});

test("a tenant that is up is not undone with the sign-up that made it", async () => {
  const call = { request: scope.request, budget: scope.db.budget };
  const asking = createPorts(settings, fetch).openProvisioning(call, newIdentity());
  const refused: unknown[] = [];
  const driver = during(asking, "provision_for_owner", "send_invitation", async () => {
    const sql_ = sql`select id from operations where subject = ${asking.caller.subject}`;
    const [row] = await rowsOf<{ id: string }>(registry, sql_);
    refused.push(await giveUpOperation(scope, row?.id ?? "").catch((error) => error.message));
  });
  const slug = `t-${randomUUID().slice(0, 13)}`;
  await foundForOwner(driver, { slug, name: "X", ownerEmail: newPerson().email });
  expect(refused).toEqual([expect.stringContaining("cannot be undone any more")]);
  const [tenant] = await rowsOf(registry, sql`select status from tenants where slug = ${slug}`);
  expect(tenant).toEqual({ status: "active" });
});

test("a restoration whose tenant is suspended meanwhile is undone, and the suspension stands", async () => {
  const acme = await newTenant();
  const id = await askForRestoration(scope, acme, (await backUp(scope, acme)).id);
  const suspend = () => suspendTenant(scope, acme.id, { reason: "Fraud", database: "closed" });
  const driver = during(scope, "restore", "verify", suspend);
  for (let turn = 0; turn < 6; turn++) {
    await dueNow(id);
    await finish(driver, id).catch(() => undefined);
  }
  await finish(scope, id).catch(() => undefined);
  expect(await operation(id)).toMatchObject({ status: "failed" });
  const [row] = await rowsOf(registry, sql`select * from tenants where id = ${acme.id}`);
  expect(row).toMatchObject({
    status: "suspended",
    database_access: "closed",
    database_name: databaseNameOf(acme.id),
  });
  await expect(rowsOf(acme.db, "select 1")).rejects.toThrow("is blocked");
  expect(codeOf(await acme.owner.call("/api/v1/users"))).toBe("403 tenant_suspended");
});

test("a platform that fails now and then does not make a living database a lost one", async () => {
  const acme = await newTenant();
  const id = await askForRestoration(scope, acme, (await backUp(scope, acme)).id);
  let failing = 4;
  const mintToken: typeof scope.platform.mintToken = async (name) => {
    if (name === databaseNameOf(acme.id) && failing-- > 0) throw new Error("A hiccup");
    return await scope.platform.mintToken(name);
  };
  for (let turn = 0; turn < 6; turn++) {
    await dueNow(id);
    const driver = { ...scope, platform: { ...scope.platform, mintToken } };
    await finish(driver, id).catch(() => undefined);
  }
  expect(await operation(id)).toMatchObject({ status: "succeeded" });
  await expect(execute(acme.db, "update users set name = 'x'")).rejects.toThrow("is blocked");
});

test("a token minted for a database that was replaced meanwhile is not stored", async () => {
  const acme = await newTenant();
  const id = await begun("rotate", acme);
  const move = async () => finish(scope, await askForMove(scope, acme));
  expect(await outcomeOf(finish(during(scope, "rotate", "mint_token", move), id))).toBe(
    "LeaseHeld",
  );
  expect(codeOf(await acme.owner.call("/api/v1/users"))).toBe("200");
  expect(await rename(acme)).toBe("200");
});

test("a restoration that has put another database in place is gone on with, not given up", async () => {
  const acme = await newTenant();
  const id = await askForRestoration(scope, acme, (await backUp(scope, acme)).id);
  const refused: unknown[] = [];
  const giveUp = async () => {
    refused.push(await giveUpOperation(scope, id).catch((error) => error.message));
  };
  await finish(during(scope, "restore", "reindex", giveUp), id);
  expect(refused[0]).toContain("cannot be undone any more");
  expect(await operation(id)).toMatchObject({ status: "succeeded" });
  await expect(askForUndo(scope, acme, id)).resolves.toMatch(/^opr_/);
});

test("a lost tenant is restored, also after a restoration of it was given up", async () => {
  const acme = await newTenant();
  const { id: backupId } = await backUp(scope, acme);
  await scope.platform.deleteDatabase(databaseNameOf(acme.id));
  const id = await askForRestoration(scope, acme, backupId);
  const driver = during(scope, "restore", "hold_writes", () => giveUpOperation(scope, id));
  await finish(driver, id).catch(() => undefined);
  await finish(scope, id);
  expect(await operation(id)).toMatchObject({ status: "failed" });
  const again = await restore(scope, acme, backupId);
  expect(again.status).toBe("succeeded");
});

test("a restoration taken back after a release is at the schema of the release", async () => {
  const acme = await newTenant();
  const { id } = await restore(scope, acme, (await backUp(scope, acme)).id);
  const former = databaseNameOf(acme.id);
  await scope.platform.configure(former, { blockWrites: false });
  const newest = "(select max(created_at) from __drizzle_migrations)";
  // As if its last migration, which makes triggers, had not come yet.
  const statements = tenantMigrations.at(-1)?.statements ?? [];
  const named = (verb: string) =>
    statements.flatMap((text) => new RegExp(`^${verb} trigger (\\w+)`).exec(text)?.[1] ?? []);
  const fresh = named("create").filter((name) => !named("drop").includes(name));
  await execute(
    acme.db,
    `delete from __drizzle_migrations where created_at = ${newest}`,
    ...fresh.map((name) => `drop trigger ${name}`),
  );
  const [before] = await rowsOf(acme.db, "select count(*) as n from __drizzle_migrations");
  await finish(scope, await askForUndo(scope, acme, id));
  const [after] = await rowsOf(acme.db, "select count(*) as n from __drizzle_migrations");
  expect(Number(after?.["n"])).toBe(Number(before?.["n"]) + 1);
  const [row] = await rowsOf(registry, sql`select * from tenants where id = ${acme.id}`);
  expect(row).toMatchObject({ database_name: former, schema_version: Number(after?.["n"]) });
  expect(await rename(acme)).toBe("200");
});

test("a migration of a tenant that is brought back meanwhile leaves it writable", async () => {
  const acme = await newTenant();
  const body = { slug: acme.slug };
  await acme.owner.call("/api/v1/tenant/deletion", { method: "POST", body });
  await execute(
    registry,
    sql`update tenants set schema_version = schema_version - 1 where id = ${acme.id}`,
  );
  const name = databaseNameOf(acme.id);
  const configure: typeof scope.platform.configure = async (which, rules) => {
    await scope.platform.configure(which, rules);
    if (which !== name || rules.blockWrites !== false) return;
    const back = { method: "DELETE" };
    await execute(
      registry,
      sql`update tenants set schema_version = schema_version + 1 where id = ${acme.id}`,
    );
    expect(codeOf(await acme.owner.call("/api/v1/tenant/deletion", back))).toBe("200");
  };
  await migrateTenant({ ...scope, platform: { ...scope.platform, configure } }, acme.id);
  expect(await rename(acme)).toBe("200");
});

test("a purge that has condemned its tenant is gone on with, not given up", async () => {
  const acme = await newTenant();
  const past = Date.now() - 1000;
  const due = sql`update tenant_identity set status = 'deleting', delete_after = ${past}`;
  await execute(acme.db, due);
  await execute(
    registry,
    sql`update tenants set status = 'deleting', delete_after = ${past} where id = ${acme.id}`,
  );
  const id = await begun("purge", acme);
  const refused: unknown[] = [];
  const giveUp = async () => {
    refused.push(await giveUpOperation(scope, id).catch((error) => error.message));
  };
  await finish(during(scope, "purge", "delete_databases", giveUp), id);
  expect(refused).toEqual([expect.stringContaining("cannot be undone any more")]);
  expect(await operation(id)).toMatchObject({ status: "succeeded", input: "{}" });
});

test("no backup of a tenant is begun while it is being destroyed", async () => {
  const acme = await newTenant();
  await begun("purge", acme);
  await expect(askForBackup(scope, acme)).rejects.toThrow();
});

test("a copy that comes after its work was given up does not stay", async () => {
  const acme = await newTenant();
  const id = await askForMove(scope, acme);
  const copy = during(scope, "move", "copy_database", async () => {
    await giveUpOperation(scope, id);
    await finish(scope, id);
    // As if it had landed only now.
    const [made] = (await ledgerFor(acme)).slice(-1);
    await openWork(settings).platform.ensureDatabase({ name: made?.name ?? "" });
  });
  await finish(copy, id).catch(() => undefined);
  const [late] = (await ledgerFor(acme)).slice(-1);
  expect(late).toMatchObject({ state: "doomed" });
  await execute(registry, sql`update databases set keep_until = 1 where name = ${late?.name}`);
  await deleteFormerDatabases(scope);
  expect(await scope.platform.findDatabase(late?.name ?? "")).toBeUndefined();
});
