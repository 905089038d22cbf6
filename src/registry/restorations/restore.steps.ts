import { and, eq, sql } from "drizzle-orm";
import { batch, statement } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { danglingRows, notBegun, type Progress, readOn } from "../../db/dump.ts";
import { beginLoading, endLoading, loadPart } from "../../db/load.ts";
import { migrate } from "../../db/migrate.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { untilReady } from "../../db/ready.ts";
import { copyMs } from "../../platform/platform.ts";
import { auditLinks } from "../../tenant/audit/audit.table.ts";
import { type Head, unsealed } from "../../tenant/audit/chain.ts";
import { stampOf } from "../../tenant/identity/status.service.ts";
import { backups } from "../backups/backups.table.ts";
import { type Manifest, partKey, readManifest, unpack } from "../backups/manifest.ts";
import { storeOf } from "../backups/store.ts";
import { holdIfThere, releaseHeld } from "../databases/hold.service.ts";
import { ledgerChange, openFromLedger } from "../databases/ledger.service.ts";
import { deleteMade, hasSwapped, madeBy, swap } from "../databases/swap.service.ts";
import { reindex } from "../memberships/reindex.service.ts";
import { newestSchema } from "../migrations/newest.ts";
import { Hopeless, type Kind, type Step, type Work } from "../operations/kind.ts";
import type { WorkScope } from "../scope.ts";
import { inscribe } from "./inscribe.service.ts";

/** Of rows, looked at in one call of the step. */
const verifiedBytes = 3_000_000;

export type RestoreInput = { readonly backupId: string };
type Loaded = { readonly part?: number; readonly verified?: Progress };
const loadedIn = ({ operation }: Work) => operation.output as Loaded;

const openMade = (scope: WorkScope, work: Work): Promise<TenantDb> =>
  openFromLedger(scope, work.tenant.id, madeBy(work));

/** The backup asked for, if it is this tenant's and all of it can be read by this release. */
async function backupFor(scope: WorkScope, work: Work) {
  const { backupId } = work.operation.input as RestoreInput;
  const [[row]] = await batch(scope.db, "read", [
    scope.db
      .select()
      .from(backups)
      .where(and(eq(backups.id, backupId), eq(backups.tenantId, work.tenant.id))),
  ] as const);
  if (row?.status !== "ready") throw new Hopeless("The backup is gone, or was never ready");
  return { row, manifest: await readManifest(storeOf(scope), row) };
}

/** The migrations a database of the backup's kind has been through. */
function migrationsOf({ migrations }: Manifest) {
  const known = tenantMigrations.slice(0, migrations.length);
  if (known.length === migrations.length && known.every(({ hash }, i) => hash === migrations[i]))
    return known;
  throw new Hopeless("The backup was made by a release with other migrations than this one");
}

const createDatabase: Step = async (scope, work) => {
  const name = madeBy(work);
  const region = work.tenant.region ?? undefined;
  const host = await scope.platform.ensureDatabase({ name, region });
  return { also: [ledgerChange(scope, name, { host })] };
};

const prepare: Step = async (scope, work) => {
  const { manifest } = await backupFor(scope, work);
  const db = await openMade(scope, work);
  await untilReady(db, Date.now() + copyMs / 4);
  await migrate(db, migrationsOf(manifest));
  await beginLoading(db, "tenant_identity");
  return {};
};

/** A part at a time: it is in memory as a whole. */
const load: Step = async (scope, work) => {
  const { manifest, row } = await backupFor(scope, work);
  const { part = 0 } = loadedIn(work);
  const described = manifest.parts[part];
  if (!described) return {};
  const packed = await storeOf(scope).get(partKey(row.prefix, part));
  await loadPart(await openMade(scope, work), part, await unpack(packed, described));
  const progress = `${part + 1} of ${manifest.parts.length} parts`;
  return { output: { part: part + 1 }, progress, againAfterMs: 0 };
};

/** What is in the database is read again, row by row, and has to be what the manifest says. */
const verify: Step = async (scope, work) => {
  const { manifest } = await backupFor(scope, work);
  const db = await openMade(scope, work);
  const { verified = notBegun(manifest.tables) } = loadedIn(work);
  const { progress, done } = await readOn(db, manifest.tables, verified, verifiedBytes);
  if (!done) return { output: { verified: progress }, againAfterMs: 0 };
  for (const [i, { name, rows, digest }] of manifest.tables.entries()) {
    const found = progress.counts[i];
    if (found?.rows !== rows || found.digest !== digest)
      throw new Hopeless(`What was loaded into "${name}" is not what was backed up`);
  }
  await assertWhole(db, work.tenant.id);
  return { output: { verified: progress } };
};

async function assertWhole(db: TenantDb, tenantId: string): Promise<void> {
  const [dangling] = await batch(db, "read", [danglingRows(db)] as const);
  if (dangling.length > 0) throw new Hopeless("The backup has rows that point to none");
  if ((await stampOfAny(db)) !== tenantId) throw new Hopeless("The database is another tenant's");
}

/** Of a database that may be of an older release. */
async function stampOfAny(db: TenantDb): Promise<string | undefined> {
  const stamp = sql`select tenant_id as "tenantId" from tenant_identity`;
  const [[row]] = await batch(db, "read", [statement<{ tenantId: string }>(db, stamp)] as const);
  return row?.tenantId;
}

const finishLoading: Step = async (scope, work) => {
  const db = await openMade(scope, work);
  await endLoading(db);
  return { output: { schemaVersion: await migrate(db, tenantMigrations) } };
};

const inscribeBackup: Step = async (scope, work) => {
  const { row } = await backupFor(scope, work);
  const at = row.takenAt ?? row.createdAt;
  await inscribe(scope, work, await openMade(scope, work), { backupId: row.id, takenAt: at });
  return {};
};

const swapIn: Step = async (scope, work) => {
  const { row } = await backupFor(scope, work);
  const { headSequence: sequence, headLinks: links, headMac: mac } = row;
  const stamp = await stampOf(await openMade(scope, work));
  const tenant = { ...newestSchema, ...(stamp && { name: stamp.name }) };
  return await swap(scope, work, { to: madeBy(work), head: { sequence, links, mac }, tenant });
};

/**
 * A backup becomes a database of its own, is looked at whole, and only then takes the tenant's place.
 * Until the swap the tenant goes on as it was; from the hold on, a moment before it, it is read only.
 */
export const restore: Kind = {
  steps: {
    create_database: createDatabase,
    prepare,
    load,
    verify,
    migrate: finishLoading,
    hold_writes: holdIfThere,
    inscribe: inscribeBackup,
    swap: swapIn,
    reindex,
  },
  isPastReturn: hasSwapped,
  undo: { release_writes: releaseHeld, delete_database: deleteMade },
};

/** Where the chain ends in a database the registry has no head of. */
async function lastLinkOf(db: TenantDb): Promise<Head> {
  const last = sql`select sequence, mac, (select count(*) from ${auditLinks}) as "links"
    from ${auditLinks} order by sequence desc limit 1`;
  const [[head]] = await batch(db, "read", [statement<Head>(db, last)] as const);
  return head ?? unsealed;
}

/** The same for a moment that is past, where the platform keeps earlier states itself. */
export const rewind: Kind = {
  steps: {
    copy_database: async (scope, work) => {
      const name = madeBy(work);
      const { at } = work.operation.input as { at: number };
      const { databaseName, region } = work.tenant;
      const copyOf = { name: databaseName, at };
      const wanted = { name, region: region ?? undefined, copyOf };
      const host = await scope.platform.ensureDatabase(wanted);
      return { also: [ledgerChange(scope, name, { host })] };
    },
    verify: async (scope, work) => {
      const db = await openMade(scope, work);
      await untilReady(db, Date.now() + copyMs / 4);
      await assertWhole(db, work.tenant.id);
      return {};
    },
    migrate: async (scope, work) => {
      await migrate(await openMade(scope, work), tenantMigrations);
      return {};
    },
    hold_writes: holdIfThere,
    inscribe: async (scope, work) => {
      const { at } = work.operation.input as { at: number };
      await inscribe(scope, work, await openMade(scope, work), { takenAt: at });
      return {};
    },
    swap: async (scope, work) => {
      const db = await openMade(scope, work);
      const head = await lastLinkOf(db);
      const stamp = await stampOf(db);
      const tenant = { ...newestSchema, ...(stamp && { name: stamp.name }) };
      return await swap(scope, work, { to: madeBy(work), head, tenant });
    },
    reindex,
  },
  isPastReturn: hasSwapped,
  long: ["copy_database"],
  undo: { release_writes: releaseHeld, delete_database: deleteMade },
};
