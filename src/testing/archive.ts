import { sql } from "drizzle-orm";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { type Bucket, r2Store } from "../object-store/r2.ts";
import { createJobScopes } from "../ports.jobs.ts";
import { getBackup } from "../registry/backups/backups.service.ts";
import { type AskingScope, beginBackup } from "../registry/backups/begin.service.ts";
import { driveOperation } from "../registry/operations/drive.service.ts";
import { claimOperation } from "../registry/operations/lease.service.ts";
import { beginMove, beginRestoration, beginUndo } from "../registry/restorations/begin.service.ts";
import { getRestoration } from "../registry/restorations/restorations.service.ts";
import type { JobScope } from "../registry/scope.ts";
import { registry, settings as shared, type TestTenant } from "./harness.ts";
import { rowsOf } from "./raw-sql.ts";

/** A real bucket of R2, in the runtime that Workers run in, for services in this process. */
export async function openBucket() {
  const worker = { modules: true, script: "export default {}", r2Buckets: ["BACKUPS"] };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ ...worker, port: 0, cf: false }));
  const bucket = (await miniflare.getR2Bucket("BACKUPS")) as unknown as Bucket;
  return { bucket, store: r2Store(bucket), close: () => miniflare.dispose() };
}

/** What jobs work with, in this process, with this bucket. */
export function openJob(bucket: Bucket, get: typeof fetch = fetch): JobScope {
  const settings = { ...shared, BACKUPS: bucket };
  const limits = { timeoutMs: 10_000, writers: 4, fetch: get };
  const failed = (_: string, error: unknown) => {
    throw error;
  };
  return { ...createJobScopes(settings, limits)("test"), failed };
}

const by = { issuer: "test", subject: "test" };
type Tenant = Pick<TestTenant, "id">;

/** Drives an operation to its end, as the sweeper does. */
export async function finish(scope: JobScope, id: string, leaseMs = 60_000): Promise<void> {
  const turn = await claimOperation(scope, id, leaseMs);
  await driveOperation(scope, turn);
}

export const askForBackup = (scope: AskingScope, { id: tenantId }: Tenant) =>
  beginBackup(scope, { tenantId, kind: "manual", by });

/** A backup, made to its end. */
export async function backUp(scope: JobScope, tenant: Tenant) {
  const { id, operationId } = await askForBackup(scope, tenant);
  await finish(scope, operationId);
  return await getBackup(scope, tenant.id, id);
}

export const askForRestoration = (scope: JobScope, { id: tenantId }: Tenant, backupId: string) =>
  beginRestoration(scope, { tenantId, by }, { backupId });

/** A restoration, made to its end, whatever that is. */
export async function restore(scope: JobScope, tenant: Tenant, backupId: string) {
  const id = await askForRestoration(scope, tenant, backupId);
  await finish(scope, id);
  return await getRestoration(scope, tenant.id, id);
}

export const askForUndo = (scope: JobScope, { id: tenantId }: Tenant, restorationId: string) =>
  beginUndo(scope, { tenantId, by }, restorationId);

export const askForMove = (scope: JobScope, { id: tenantId }: Tenant) =>
  beginMove(scope, { tenantId, by }, {});

/** The tenant's databases, as the ledger has them, oldest first. */
export const ledgerFor = ({ id }: Tenant) =>
  rowsOf<{ name: string; state: string }>(
    registry,
    sql`select name, state from databases where tenant_id = ${id} order by created_at, name`,
  );
