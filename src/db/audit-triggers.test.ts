import { CasingCache } from "drizzle-orm/casing";
import { getTableConfig } from "drizzle-orm/sqlite-core";
import { describe, expect, test } from "vitest";
import { audited as registryAudited } from "../registry/audited.ts";
import { audited as tenantAudited } from "../tenant/audited.ts";
import { newTenant, registry, settings } from "../testing/harness.ts";
import { execute, executeUnlinked, newDatabase, rowsOf } from "../testing/raw-sql.ts";
import { type Audited, auditTriggers } from "./audit-triggers.ts";
import type { Database } from "./connect.ts";
import { migrate } from "./migrate.ts";
import { registryMigrations, tenantMigrations } from "./migrations.gen.ts";

/** Tables whose rows leave no trace, and why that is right. */
const traceless: Record<string, string> = {
  audit_logs: "the trace itself",
  audit_context: "one row within a transaction, none outside",
  __drizzle_migrations: "a ledger itself",
  sqlite_sequence: "SQLite's own counter of audit_logs",
  operations: "a log itself: who asked, how often tried, how it ended",
  operation_steps: "part of that log",
  databases: "a ledger itself: what was made, by which operation",
  migration_failures: "part of the log that a run is",
  audit_links: "the seal on the trace",
  audit_heads: "where that seal ends",
  idempotency_keys: "an answer kept for a day",
  findings: "what a sweep saw, gone once it is over",
  warm_databases: "nobody's yet: the tenant's row tells of the rest",
  chores: "when the clock last did what it does now and then",
  backups: "made and forgotten by operations",
};

const wings: [string, Audited[], typeof tenantMigrations, () => Promise<Database>][] = [
  ["a tenant", tenantAudited, tenantMigrations, async () => (await newTenant()).db],
  ["the registry", registryAudited, registryMigrations, async () => registry],
];

type Value = string | number | null;
type Column = {
  name: string;
  key: boolean;
  secret: boolean;
  quiet: boolean;
  nullable: boolean;
  isText: boolean;
};
const casing = new CasingCache("snake_case");

function shapeOf({ table, redact = [], quiet = [] }: Audited) {
  const { name, columns, primaryKeys } = getTableConfig(table);
  const shape = columns.map((column): Column => {
    const key = column.primary || primaryKeys.some((one) => one.columns.includes(column));
    return {
      name: casing.getColumnCasing(column),
      key,
      nullable: !column.notNull && !key,
      secret: redact.includes(column.name),
      quiet: quiet.includes(column.name),
      isText: column.getSQLType() === "text",
    };
  });
  return { name, columns: shape };
}

/** A value of the column's type; 1 satisfies the tables that hold one row only. */
const sample = ({ name, isText }: Column, which: 1 | 2): Value =>
  isText ? `${name} ${which}` : which;
const literal = (value: Value) => (typeof value === "string" ? `'${value}'` : `${value}`);
const insertInto = (name: string, columns: Column[]) =>
  `insert into ${name} (${columns.map((column) => column.name)}) values (${columns.map((column) => literal(sample(column, 1)))})`;
const shown = ({ secret }: Column, value: Value) =>
  secret && value !== null ? "[redacted]" : value;

const logOf = async (db: Database) =>
  (await rowsOf(db, "select * from audit_logs order by sequence")).map((row) => ({
    ...row,
    changes: JSON.parse(String(row["changes"])) as unknown,
  }));

/** An entry written with nobody in the audit context. */
const bySystem = (entity: string, columns: Column[], action: string, changes: object) => ({
  sequence: expect.any(Number),
  actor_type: "system",
  actor_id: "system",
  account_id: null,
  reason: null,
  ip: null,
  user_agent: null,
  transaction_id: null,
  request_id: null,
  at: expect.any(Number),
  entity,
  action,
  changes,
  entity_id: columns
    .filter(({ key }) => key)
    .map((column) => String(sample(column, 1)))
    .join(":"),
});

describe.each(wings)("in %s", (_, audited, migrations, open) => {
  test("the triggers are exactly those the tables ask for, so no column is forgotten", async () => {
    const rows = await rowsOf<{ sql: string }>(
      await open(),
      "select sql from sqlite_master where type in ('trigger', 'view')",
    );
    const present = rows.map((row) =>
      row.sql.replace(/^CREATE (TRIGGER|VIEW)/, (word) => word.toLowerCase()),
    );
    expect(present.sort()).toEqual(auditTriggers(audited).sort());
  });

  test("every table is audited, or known to need no audit", async () => {
    const tables = await rowsOf<{ name: string }>(
      await open(),
      "select name from sqlite_master where type = 'table'",
    );
    const known = [...audited.map((one) => shapeOf(one).name), ...Object.keys(traceless)];
    expect(tables.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
  });

  test("every insert, every changed column and every delete is logged, with raw SQL too", async () => {
    const { db } = await newDatabase(settings);
    await migrate(db, migrations);
    const expected: object[] = [];
    const statements: string[] = [];
    for (const { name, columns } of audited.map(shapeOf)) {
      const entry = (action: string, all: [Column, Value, Value][]) => {
        const changes = all.filter(([column]) => !column.quiet);
        if (changes.length === 0) return;
        expected.push(
          bySystem(
            name,
            columns,
            action,
            Object.fromEntries(
              changes.map(([column, before, after]) => [
                column.name,
                { old: shown(column, before), new: shown(column, after) },
              ]),
            ),
          ),
        );
      };
      const change = (column: Column, before: Value, after: Value) => {
        statements.push(`update ${name} set ${column.name} = ${literal(after)}`);
        entry("UPDATE", [[column, before, after]]);
      };
      statements.push(insertInto(name, columns));
      entry(
        "INSERT",
        columns.map((column) => [column, null, sample(column, 1)]),
      );
      for (const column of columns.filter(({ key }) => !key)) {
        change(column, sample(column, 1), sample(column, 2));
        if (column.nullable) {
          change(column, sample(column, 2), null);
          change(column, null, sample(column, 2));
        }
      }
      statements.push(`delete from ${name}`);
      entry(
        "DELETE",
        columns.map((column) => [column, sample(column, column.key ? 1 : 2), null]),
      );
    }
    await executeUnlinked(db, ...statements);
    expect(await logOf(db)).toEqual(expected);
  });

  test("an update that changes nothing writes nothing", async () => {
    const { db } = await newDatabase(settings);
    await migrate(db, migrations);
    const shapes = audited.map(shapeOf);
    await executeUnlinked(db, ...shapes.map(({ name, columns }) => insertInto(name, columns)));
    const before = await logOf(db);
    const updates = shapes.map(
      ({ name, columns }) =>
        `update ${name} set ${columns.map((column) => `${column.name} = ${column.name}`)}`,
    );
    await executeUnlinked(db, ...updates);
    expect(before).toHaveLength(shapes.length);
    expect(await logOf(db)).toEqual(before);
  });

  test("no column takes a value of the wrong type", async () => {
    const { db } = await newDatabase(settings);
    await migrate(db, migrations);
    const shapes = audited.map(shapeOf);
    await executeUnlinked(db, ...shapes.map(({ name, columns }) => insertInto(name, columns)));
    for (const { name, columns } of shapes)
      for (const column of columns.filter(({ key }) => !key))
        await expect(
          execute(db, `update ${name} set ${column.name} = ${column.isText ? "x'00'" : "'text'"}`),
          `${name}.${column.name}`,
        ).rejects.toThrow(
          new RegExp(`cannot store (BLOB|TEXT) value in (TEXT|INTEGER) column ${name}`),
        );
  });

  test("every table is strict", async () => {
    const { db } = await newDatabase(settings);
    await migrate(db, migrations);
    const loose = await rowsOf<{ name: string }>(
      db,
      "select name from pragma_table_list where schema = 'main' and type = 'table' and not strict order by name",
    );
    const names = loose.map(({ name }) => name).filter((name) => !name.startsWith("sqlite_"));
    expect(names).toEqual(["__drizzle_migrations"]);
  });
});
