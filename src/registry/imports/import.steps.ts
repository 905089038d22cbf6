import { sha256 } from "../../core/mac.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { type BackupInput, deleteObjects, putDown } from "../backups/backup.steps.ts";
import { type Part, pack, partKey } from "../backups/manifest.ts";
import { storeOf } from "../backups/store.ts";
import { Hopeless, type Kind, type Work } from "../operations/kind.ts";
import { type Converted, convert, importedTables, notConverted } from "./convert.ts";

export type ImportInput = BackupInput & { readonly object: string };
type Imported = { readonly offset: number; readonly parts: readonly Part[] } & Converted;
const inputOf = ({ operation }: Work) => operation.input as ImportInput;
const importedIn = ({ operation }: Work): Imported => ({
  offset: 0,
  parts: [],
  ...notConverted,
  ...operation.output,
});

/** Of the file, in memory at a time. No row is as large. */
const sliceBytes = 3_000_000;
const newline = 10;

/**
 * An export, of this tenant or another one, becomes a backup of this one, a slice of the file at a time.
 * Restoring that is what brings it in: into a database of its own, verified, and to be taken back.
 */
export const importing: Kind = {
  steps: {
    convert: async (scope, work) => {
      const { object, prefix } = inputOf(work);
      const { offset, parts, came, made } = importedIn(work);
      const slice = await storeOf(scope).getRange(object, offset, sliceBytes);
      if (!slice) throw new Hopeless("There is no such object in the bucket");
      const end = slice.lastIndexOf(newline) + 1;
      if (end === 0) throw new Hopeless("The export breaks off");
      const lines = new TextDecoder().decode(slice.subarray(0, end)).split("\n").filter(Boolean);
      const { stretches, converted, over } = convert(lines, { came, made }, work.tenant);
      const packed = await pack(stretches);
      await storeOf(scope).put(partKey(prefix, parts.length), packed);
      const part = { bytes: packed.length, sha256: await sha256(packed) };
      const output = { ...converted, offset: offset + end, parts: [...parts, part] };
      return { output, ...(over ? {} : { againAfterMs: 0 }) };
    },
    put_down: async (scope, work) => {
      const { parts, made } = importedIn(work);
      return await putDown(scope, work, {
        takenAt: work.operation.createdAt,
        migrations: tenantMigrations.map(({ hash }) => hash),
        tables: importedTables,
        progress: { counts: made, table: made.length, after: 0 },
        parts,
      });
    },
  },
  undo: { delete_objects: deleteObjects },
};
