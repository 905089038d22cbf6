import { digestAfter, noRows } from "../../core/row-digest.ts";
import { type Count, type Stretch, withRows } from "../../db/dump.ts";
import type { Table } from "../../db/tables.ts";
import { madeWith } from "../../tenant/export/export.service.ts";
import { columnsOf, exported, nameOf } from "../../tenant/export/exported.ts";
import { Hopeless } from "../operations/kind.ts";

type Row = Record<string, unknown>;
type Line = {
  readonly format?: number;
  readonly schemaVersion?: number;
  readonly table?: string;
  readonly row?: Row;
  readonly manifest?: { readonly tables: readonly Count[] };
};
/** What came in, and what was made of it: the digests differ, as the rows do. */
export type Converted = { readonly came: readonly Count[]; readonly made: readonly Count[] };
type Tenant = { readonly id: string; readonly slug: string };

export const importedTables: readonly Table[] = exported.map((each) => ({
  name: nameOf(each),
  columns: columnsOf(each),
}));
const nothing: Count[] = importedTables.map(({ name }) => ({ name, rows: 0, digest: noRows }));
export const notConverted: Converted = { came: nothing, made: nothing };

/** Lines of an export as rows of a backup of another tenant. `over` once the last line was there. */
export function convert(lines: readonly string[], before: Converted, tenant: Tenant) {
  const stretches: { table: Table; rows: string[] }[] = [];
  const converted = { came: [...before.came], made: [...before.made] };
  let over = false;
  for (const text of lines) {
    const line = parsed(text);
    if (line.manifest) over = assertAllCame(converted.came, line.manifest.tables);
    else if (line.format !== undefined) assertOurs(line);
    else {
      const { table, row } = convertRow(text, line, converted, tenant);
      const last = stretches.at(-1);
      if (last?.table === table) last.rows.push(row);
      else stretches.push({ table, rows: [row] });
    }
  }
  return { stretches: stretches as Stretch[], converted, over };
}

function convertRow(
  text: string,
  line: Line,
  { came, made }: { came: Count[]; made: Count[] },
  tenant: Tenant,
) {
  const at = importedTables.findIndex(({ name }) => name === line.table);
  const table = importedTables[at];
  const [taken, written] = [came[at], made[at]];
  if (!table || !line.row || !taken || !written)
    throw new Hopeless("The export has a line nobody knows here");
  const row = JSON.stringify(table.columns.map((column) => storedValue(line, column, tenant)));
  const source = text.slice(`{"table":"${table.name}","row":`.length, -1);
  came[at] = { ...taken, rows: taken.rows + 1, digest: digestAfter(taken.digest, source) };
  made[at] = withRows(written, [{ row }]);
  return { table, row };
}

function parsed(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch (cause) {
    throw new Hopeless("The export has a line that is no JSON", { cause });
  }
}

function assertOurs({ format, schemaVersion }: Line): void {
  if (format !== 1 || schemaVersion !== madeWith.schemaVersion)
    throw new Hopeless("The export was made by a release with other tables than this one");
}

function assertAllCame(came: readonly Count[], told: readonly Count[]): true {
  for (const { name, rows, digest } of came) {
    const said = told.find((each) => each.name === name);
    if (said?.rows !== rows || said.digest !== digest)
      throw new Hopeless(`The export's "${name}" is not what it says it is`);
  }
  return true;
}

/** What would let somebody in is not in an export: in its place stands what leads nowhere. */
const secrets = ["api_keys.hash", "invitations.token_hash", "user_sessions.sid"];

function storedValue({ table, row = {} }: Line, column: string, tenant: Tenant): unknown {
  if (secrets.includes(`${table}.${column}`)) return `void ${row["id"]}`;
  if (table !== "tenant_identity") return row[column] ?? null;
  return { tenant_id: tenant.id, slug: tenant.slug, held_at: null }[column] ?? row[column] ?? null;
}
