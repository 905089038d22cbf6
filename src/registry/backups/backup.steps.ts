import { eq } from "drizzle-orm";
import { sha256 } from "../../core/mac.ts";
import { notBegun, type Progress, readOn } from "../../db/dump.ts";
import { untilReady } from "../../db/ready.ts";
import { ledgerOf, type Table, tablesOf } from "../../db/tables.ts";
import { type Write, write } from "../../db/write.ts";
import { copyMs, databaseNameOf } from "../../platform/platform.ts";
import { doomed, ledgerChange, openFromLedger } from "../databases/ledger.service.ts";
import type { Found, Kind, Step, Work } from "../operations/kind.ts";
import type { WorkScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { backups } from "./backups.table.ts";
import { formatVersion, type Manifest, manifestKey, type Part, pack, partKey } from "./manifest.ts";
import { storeOf } from "./store.ts";

/** Of rows, unpacked: what one call of the step holds in memory, and one object of the backup holds. */
const partBytes = 3_000_000;

export type BackupInput = { readonly backupId: string; readonly prefix: string };
const inputOf = ({ operation }: Work) => operation.input as BackupInput;

/** What the steps have found out so far. */
export type Dumped = {
  readonly takenAt: number;
  readonly migrations: readonly string[];
  readonly tables: readonly Table[];
  readonly progress: Progress;
  readonly parts: readonly Part[];
};
const dumpedIn = ({ operation }: Work) => operation.output as Dumped;

const copyOf = ({ tenant, operation }: Work) => databaseNameOf(tenant.id, operation.id);
const openCopy = (scope: WorkScope, work: Work) =>
  openFromLedger(scope, work.tenant.id, copyOf(work));

const change = ({ db }: WorkScope, work: Work, values: Partial<typeof backups.$inferInsert>) =>
  write(
    db
      .update(backups)
      .set({ ...values, updatedAt: Date.now() })
      .where(eq(backups.id, inputOf(work).backupId)),
  );

async function deleteCopy(scope: WorkScope, work: Work) {
  const name = copyOf(work);
  await scope.platform.deleteDatabase(name);
  return { also: [ledgerChange(scope, name, { state: "gone" })] };
}

/** The platform may still be at it. */
const doomCopy: Step = async (scope, work) => {
  const name = copyOf(work);
  await scope.platform.deleteDatabase(name);
  return { also: [ledgerChange(scope, name, doomed())] };
};

/** Writes the manifest, and the backup is there. */
export async function putDown(scope: WorkScope, work: Work, dumped: Dumped): Promise<Found> {
  const { takenAt, migrations, tables, progress, parts } = dumped;
  const manifest: Manifest = {
    format: formatVersion,
    tenantId: work.tenant.id,
    slug: work.tenant.slug,
    takenAt: new Date(takenAt).toISOString(),
    schemaVersion: migrations.length,
    migrations: [...migrations],
    tables: progress.counts.map((count, i) => ({
      ...count,
      columns: [...(tables[i]?.columns ?? [])],
    })),
    parts: [...parts],
  };
  const text = Uint8Array.from(new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`));
  await storeOf(scope).put(manifestKey(inputOf(work).prefix), text);
  const ready = change(scope, work, {
    status: "ready",
    takenAt,
    schemaVersion: manifest.schemaVersion,
    checksum: await sha256(text),
    bytes: sum(parts.map(({ bytes }) => bytes)),
    rows: sum(progress.counts.map(({ rows }) => rows)),
  });
  return { also: [ready] };
}

/** Undoing: nothing of it is left in the bucket. */
export const deleteObjects: Step = async (scope, work) => {
  await scope.store?.deleteAll(inputOf(work).prefix);
  return { also: [change(scope, work, { status: "failed" })] };
};

/**
 * Keeping what a tenant's database holds. The pages are of one state, as they are of a copy that nobody
 * else knows of; so writes go on meanwhile. Each part is an object of its own, so that whoever takes the
 * work over goes on with the next.
 */
export const backup: Kind = {
  steps: {
    copy_database: async (scope, work) => {
      const name = copyOf(work);
      const takenAt = Date.now();
      const original = { name: work.tenant.databaseName };
      const region = work.tenant.region ?? undefined;
      const host = await scope.platform.ensureDatabase({ name, region, copyOf: original });
      return { output: { takenAt }, also: [ledgerChange(scope, name, { host })] };
    },
    look: async (scope, work) => {
      const db = await openCopy(scope, work);
      await untilReady(db, Date.now() + copyMs / 4);
      const [tables, migrations] = await Promise.all([tablesOf(db), ledgerOf(db)]);
      return { output: { migrations, tables, progress: notBegun(tables), parts: [] } };
    },
    dump: async (scope, work) => {
      const { tables, progress: from, parts } = dumpedIn(work);
      const db = await openCopy(scope, work);
      const { stretches, progress, done } = await readOn(db, tables, from, partBytes);
      const output = { progress, parts: [...parts] };
      if (stretches.length > 0) {
        const packed = await pack(stretches);
        await storeOf(scope).put(partKey(inputOf(work).prefix, parts.length), packed);
        output.parts.push({ bytes: packed.length, sha256: await sha256(packed) });
      }
      const shown = `${progress.table} of ${tables.length} tables`;
      return { output, progress: shown, ...(done ? {} : { againAfterMs: 0 }) };
    },
    put_down: async (scope, work) => {
      const dumped = dumpedIn(work);
      const { also = [] } = await putDown(scope, work, dumped);
      return { also: [...also, lastBackup(scope, work, dumped.takenAt)] };
    },
    delete_copy: deleteCopy,
  },
  long: ["copy_database"],
  undo: {
    delete_copy: doomCopy,
    delete_objects: deleteObjects,
  },
};

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

const lastBackup = ({ db }: WorkScope, { tenant }: Work, lastBackupAt: number): Write =>
  write(db.update(tenants).set({ lastBackupAt }).where(eq(tenants.id, tenant.id)));
