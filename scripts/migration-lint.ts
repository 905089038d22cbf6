import { DatabaseSync } from "node:sqlite";

export type Linted = {
  readonly tag: string;
  /** The file's text, with its comments. */
  readonly sql: string;
  readonly statements: readonly string[];
};

/** The migration whose release first did without what this one takes away. */
export const contractOf = (sql: string): string | undefined =>
  /^-- contract: (\S+)\s*$/m.exec(sql)?.[1];

/**
 * What is wrong with migrations, in order: each that takes a table, a column or rows away from code that
 * may still run, and does not say since when none needs them. They are run, not read: whatever the SQL
 * looks like, what counts is what is gone.
 */
export function lintMigrations(migrations: readonly Linted[]): string[] {
  const db = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
  try {
    return migrations.flatMap((migration, i) => {
      const before = shapeOf(db);
      const fault = run(db, migration);
      if (fault) return [fault];
      const lost = lossesOf(migration, before, shapeOf(db));
      const earlier = migrations.slice(0, i).map(({ tag }) => tag);
      return verdict(migration, lost, earlier);
    });
  } finally {
    db.close();
  }
}

function verdict({ tag, sql }: Linted, lost: readonly string[], earlier: readonly string[]) {
  const expand = contractOf(sql);
  if (expand !== undefined)
    return earlier.includes(expand)
      ? []
      : [`${tag}: -- contract: ${expand} names no earlier migration.`];
  if (lost.length === 0) return [];
  return [
    `${tag}: takes away ${lost.join(", ")}. Code that is running may need it: release code that does without first, ` +
      "then let this one begin with the line `-- contract: TAG`, where TAG is the newest migration of that release.",
  ];
}

function run(db: DatabaseSync, { tag, statements }: Linted): string | undefined {
  for (const statement of statements) {
    try {
      db.exec(statement);
    } catch (error) {
      return `${tag}: does not run (${error instanceof Error ? error.message : error}): ${statement.slice(0, 80)}`;
    }
  }
  return undefined;
}

type Shape = ReadonlyMap<string, readonly string[]>;

function shapeOf(db: DatabaseSync): Shape {
  const rows = db
    .prepare(
      "select m.name as tableName, c.name as columnName from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%'",
    )
    .all() as { tableName: string; columnName: string }[];
  const tables = Map.groupBy(rows, ({ tableName }) => tableName);
  return new Map([...tables].map(([name, columns]) => [name, columns.map((c) => c.columnName)]));
}

/** What was there before and is not any more, and what came back without its contents. */
function lossesOf({ statements }: Linted, before: Shape, after: Shape): string[] {
  return [...before].flatMap(([table, columns]) => {
    const now = after.get(table);
    if (!now) return [`table ${table}`];
    const kept = keptBy(statements, table, columns);
    return columns
      .filter((column) => !now.includes(column) || !kept.includes(column))
      .map((column) => `column ${table}.${column}`);
  });
}

const word = '[`"]?(\\w+)[`"]?';

/** The columns whose contents outlive these statements: all, unless the table or one of them is dropped on the way. */
function keptBy(statements: readonly string[], table: string, columns: readonly string[]) {
  const matches = (pattern: string) =>
    statements.flatMap((text) => new RegExp(`^\\s*${pattern}`, "i").exec(text) ?? []).length > 0;
  const named = `[\`"]?${table}[\`"]?`;
  const dropped = (column: string) =>
    matches(`alter table ${named} drop (column )?[\`"]?${column}[\`"]?\\s*$`);
  const left = columns.filter((column) => !dropped(column));
  if (!matches(`drop table (if exists )?${named}\\s*$`)) return left;
  const copied = copiedFrom(statements, table);
  return left.filter((column) => copied.includes(column));
}

/** What a rebuild carries over: `insert into __new_x (…) select … from x`, which then takes the name of x. */
function copiedFrom(statements: readonly string[], table: string): string[] {
  for (const text of statements) {
    const pattern = `^\\s*insert into ${word}\\s*\\(([^)]*)\\)\\s*select\\b.*\\bfrom [\`"]?${table}[\`"]?`;
    const [, into, columns] = new RegExp(pattern, "is").exec(text) ?? [];
    const renamed = new RegExp(
      `alter table [\`"]?${into}[\`"]? rename to [\`"]?${table}[\`"]?`,
      "i",
    );
    if (into && columns && statements.some((each) => renamed.test(each)))
      return columns.split(",").map((column) => column.trim().replaceAll(/[`"]/g, ""));
  }
  return [];
}
