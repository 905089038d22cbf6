import { afterAll, beforeAll, expect, test } from "vitest";
import { parseSettings } from "../../env.ts";
import { createJobScopes } from "../../ports.jobs.ts";
import { openBucket } from "../../testing/archive.ts";
import { openRegistry } from "../../testing/databases.ts";
import { newTenant, stack } from "../../testing/harness.ts";
import { type OwnSqld, startOwnSqld } from "../../testing/own-sqld.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";
import { resumeOperations } from "../operations/resume.service.ts";
import { backUpTenants, forgetBackups } from "./schedule.service.ts";

let sqld: OwnSqld;
let worker: RunningWorker;
let bucket: Awaited<ReturnType<typeof openBucket>>;
beforeAll(async () => {
  [sqld, bucket] = await Promise.all([startOwnSqld(stack), openBucket()]);
  worker = await startWorker({ bundle: stack.bundle, settings: sqld.variables });
});
afterAll(async () => {
  await worker.stop();
  await Promise.all([sqld.stop(), bucket.close()]);
});

const openJob = () => {
  const settings = { ...parseSettings(sqld.variables), BACKUPS: bucket.bucket };
  const limits = { timeoutMs: 10_000, writers: 4, fetch };
  const failed = (_: string, error: unknown) => {
    throw error;
  };
  return { ...createJobScopes(settings, limits)("test"), failed };
};

test("each tenant is backed up once a day, and what is past its plan's time goes", async () => {
  const registry = openRegistry(sqld.settings);
  const [old, young] = [
    await newTenant(worker.url, sqld.settings),
    await newTenant(worker.url, sqld.settings),
  ];
  const day = 86_400_000;
  await execute(
    registry,
    `update tenants set created_at = ${Date.now() - 2 * day} where id = '${old.id}'`,
  );
  const backupsOf = (id: string) =>
    rowsOf<{ status: string; kind: string; prefix: string }>(
      registry,
      `select * from backups where tenant_id = '${id}' order by created_at`,
    );
  expect(await backUpTenants(openJob())).toEqual({ begun: 1, failed: 0 });
  expect(await backUpTenants(openJob())).toEqual({ begun: 0, failed: 0 });
  expect(await resumeOperations(openJob())).toMatchObject({ over: 1, failed: 0 });
  expect(await backUpTenants(openJob())).toEqual({ begun: 0, failed: 0 });
  const [kept] = await backupsOf(old.id);
  expect(kept).toMatchObject({ status: "ready", kind: "scheduled" });
  expect(await backupsOf(young.id)).toEqual([]);
  expect(await bucket.store.list(kept?.prefix ?? "")).toHaveLength(2);

  await execute(registry, `update tenants set last_backup_at = ${Date.now() - day - 1}`);
  expect(await forgetBackups(openJob())).toEqual({ deleted: 0, failed: 0 });
  await execute(registry, "update backups set expires_at = 1");
  expect(await forgetBackups(openJob())).toEqual({ deleted: 1, failed: 0 });
  expect(await backupsOf(old.id)).toEqual([]);
  expect(await bucket.store.list(kept?.prefix ?? "")).toEqual([]);
  expect(await backUpTenants(openJob())).toMatchObject({ failed: 0 });
});
