import { createHash } from "node:crypto";
import { migrate as drizzleMigrate } from "drizzle-orm/libsql/migrator";
import { expect, test } from "vitest";
import { settings } from "../testing/harness.ts";
import { execute, newDatabase, rowsOf } from "../testing/raw-sql.ts";
import type { Database } from "./connect.ts";
import { type Migration, migrate } from "./migrate.ts";
import { registryMigrations, tenantMigrations } from "./migrations.gen.ts";

const ledgerOf = (db: Database) =>
  rowsOf(db, "select hash, created_at as at from __drizzle_migrations order by created_at");
const ledgerFor = (migrations: readonly Migration[]) =>
  migrations.map(({ hash, when }) => ({ hash, at: when }));
const schemaOf = (db: Database) =>
  rowsOf(db, "select type, name, sql from sqlite_master where sql is not null order by type, name");
const tablesOf = async (db: Database) =>
  (await rowsOf<{ name: string }>(db, "select name from sqlite_master where type = 'table'")).map(
    ({ name }) => name,
  );

const migration = (when: number, ...statements: string[]): Migration => ({
  tag: `${when}`,
  when,
  hash: createHash("sha256").update(statements.join()).digest("hex"),
  statements,
});
const parents = migration(
  1,
  "create table parents (id text primary key, name text) strict",
  "create table children (id text primary key, parent_id text not null references parents (id) on delete cascade) strict",
);

test("six concurrent runs on an empty database all succeed, and each migration is applied once", async () => {
  for (const migrations of [tenantMigrations, registryMigrations]) {
    const { db, again } = await newDatabase(settings);
    const versions = await Promise.all(
      Array.from({ length: 6 }, () => migrate(again(), migrations)),
    );
    expect(versions).toEqual(Array(6).fill(migrations.length));
    expect(await ledgerOf(db)).toEqual(ledgerFor(migrations));
  }
});

test("concurrent runs of an older and a newer deployment end in the newer schema", async () => {
  const [{ db, again }, { db: reference }] = await Promise.all([
    newDatabase(settings),
    newDatabase(settings),
  ]);
  await migrate(reference, tenantMigrations);
  const older = tenantMigrations.slice(0, 1);
  await Promise.all(
    Array.from({ length: 6 }, (_, i) => migrate(again(), i % 2 ? tenantMigrations : older)),
  );
  expect(await ledgerOf(db)).toEqual(ledgerFor(tenantMigrations));
  expect(await schemaOf(db)).toEqual(await schemaOf(reference));
});

test("a database that is busy with other writes is migrated on a later try", async () => {
  const { db } = await newDatabase(settings);
  const client = (db as unknown as { $client: { migrate(sql: string[]): Promise<unknown> } })
    .$client;
  const real = client.migrate.bind(client);
  let tries = 0;
  client.migrate = async (statements) => {
    tries++;
    if (tries > 2) return await real(statements);
    throw Object.assign(new Error("SQLITE_BUSY: database is locked"), { code: "SQLITE_BUSY" });
  };
  await migrate(db, tenantMigrations);
  expect(tries).toBe(3);
  expect(await ledgerOf(db)).toEqual(ledgerFor(tenantMigrations));
});

test("a migration that fails leaves nothing behind, nor do those it was sent with", async () => {
  const fault = ["insert into nowhere values (1)"];
  const constraint = [
    "insert into parents (id) values ('p')",
    "insert into parents (id) values ('p')",
  ];
  for (const statements of [fault, constraint]) {
    const { db } = await newDatabase(settings);
    const broken = migration(2, "create table more (id text) strict", ...statements);
    await expect(migrate(db, [parents, broken])).rejects.toThrow();
    expect(await tablesOf(db)).toEqual([]);

    const mended = migration(2, "create table more (id text) strict");
    expect(await migrate(db, [parents, mended])).toBe(2);
    expect(await ledgerOf(db)).toEqual(ledgerFor([parents, mended]));
  }
});

test("a failing newer migration leaves the older ones and the rows as they were", async () => {
  const { db } = await newDatabase(settings);
  await migrate(db, [parents]);
  await execute(db, "insert into parents values ('p', 'kept')");
  const broken = migration(2, "delete from parents", "alter table nowhere add column x text");
  await expect(migrate(db, [parents, broken])).rejects.toThrow();
  expect(await rowsOf(db, "select * from parents")).toEqual([{ id: "p", name: "kept" }]);
  expect(await ledgerOf(db)).toEqual(ledgerFor([parents]));
});

test("a set applied in part is continued where it stopped", async () => {
  const { db } = await newDatabase(settings);
  const [second, third] = [
    migration(2, "alter table parents add column second text"),
    migration(3, "alter table parents add column third text"),
  ];
  expect(await migrate(db, [parents])).toBe(1);
  expect(await migrate(db, [parents, second, third])).toBe(3);
  expect(await migrate(db, [parents, second, third])).toBe(3);
  expect(await ledgerOf(db)).toEqual(ledgerFor([parents, second, third]));
  await execute(db, "insert into parents values ('p', 'name', 'second', 'third')");
});

test("Drizzle's own migrator reads the ledger and finds nothing to do, and the other way round", async () => {
  for (const [set, migrations] of Object.entries({
    tenant: tenantMigrations,
    registry: registryMigrations,
  })) {
    const [ours, theirs] = await Promise.all([newDatabase(settings), newDatabase(settings)]);
    const folder = { migrationsFolder: `drizzle/${set}` };

    await migrate(ours.db, migrations);
    await drizzleMigrate(ours.db, folder);
    expect(await ledgerOf(ours.db)).toEqual(ledgerFor(migrations));

    await drizzleMigrate(theirs.db, folder);
    expect(await migrate(theirs.db, migrations)).toBe(migrations.length);
    expect(await ledgerOf(theirs.db)).toEqual(ledgerFor(migrations));
    const named = ["table", "index", "trigger"];
    const names = async (db: Database) =>
      (await schemaOf(db)).map(({ type, name }) => `${named.indexOf(String(type))} ${name}`);
    expect(await names(theirs.db)).toEqual(
      (await names(ours.db)).filter((name) => !name.includes("__drizzle_migrations_created_at")),
    );
  }
});

test("foreign keys hold before, while and after a migration rebuilds the table they point to", async () => {
  const { db } = await newDatabase(settings);
  await migrate(db, [parents]);
  const orphan = () => execute(db, "insert into children values ('orphan', 'nobody')");
  await expect(orphan()).rejects.toThrow(/FOREIGN KEY constraint failed/);
  await execute(
    db,
    "insert into parents values ('p', 'Parent')",
    "insert into children values ('c', 'p')",
  );

  const rebuild = migration(
    2,
    "create table parents_new (id text primary key, name text not null) strict",
    "insert into parents_new select id, name from parents",
    "drop table parents",
    "alter table parents_new rename to parents",
  );
  await migrate(db, [parents, rebuild]);

  expect(await rowsOf(db, "select * from children")).toEqual([{ id: "c", parent_id: "p" }]);
  expect(await rowsOf(db, "pragma foreign_key_check")).toEqual([]);
  await expect(orphan()).rejects.toThrow(/FOREIGN KEY constraint failed/);
  await execute(db, "delete from parents");
  expect(await rowsOf(db, "select * from children")).toEqual([]);
});

/** All that stands in a table, in the order of its rows. */
const contentsOf = async (db: Database, tables: readonly string[]) =>
  Object.fromEntries(
    await Promise.all(
      tables.map(async (name) => [name, await rowsOf(db, `select * from ${name}`)]),
    ),
  );

test.each([
  ["a tenant", tenantMigrations],
  ["the registry", registryMigrations],
])(
  "what the first release wrote into the database of %s is there after every later migration",
  async (_, migrations) => {
    const { db } = await newDatabase(settings);
    await migrate(db, migrations.slice(0, 2));
    const inTenant = migrations === tenantMigrations;
    const context =
      "insert into audit_context (id, actor_type, actor_id) values (1, 'system', 'system')";
    const ofTenant = [
      "insert into tenant_identity values (1, 'tnt_1', 'acme', 'Acme', 'active', 'acc_1', 1, 1, 1, null)",
      `insert into settings values (1, '{"theme":"dark"}', 4, 1, null)`,
      "insert into users values ('usr_1', 'ada@acme.test', 'Ada', null, 'active', 'owner', 3, 1, 2, null, null, null, null)",
      "insert into users values ('usr_2', 'bob@acme.test', 'Bob', null, 'active', 'member', 1, 1, 1, null, null, 2, 'usr_1')",
      "insert into user_identities values ('https://idp.test/', 'auth0|1', 'usr_1', 1)",
      "insert into user_identities values ('https://idp.test/', 'auth0|2', 'usr_2', 1)",
      "insert into accounts values ('acc_1', 'Default', null, 'acme.test', '{}', 1, 1, 1, 1, null, null, null, null)",
      "insert into account_members values ('acc_1', 'usr_1', 'ADMIN', 1)",
    ];
    const ofRegistry = [
      "insert into tenants (id, slug, name, status, database_name, created_at, updated_at) values ('tnt_1', 'acme', 'Acme', 'active', 'db', 1, 1)",
      "insert into tenant_users values ('https://idp.test/', 'auth0|1', 'tnt_1', 'owner', null, 'active', 1)",
    ];
    const rows = inTenant ? ofTenant : ofRegistry;
    await execute(db, context, ...rows, "delete from audit_context");
    const tables = [...new Set(rows.map((row) => row.split(" ")[2] ?? "")), "audit_logs"];
    const before = await contentsOf(db, tables);
    expect(before["audit_logs"]).toHaveLength(rows.length);

    await migrate(db, migrations);

    const after = await contentsOf(db, tables);
    for (const table of tables)
      expect(after[table], table).toMatchObject(before[table] as object[]);
    expect(await rowsOf(db, "pragma foreign_key_check")).toEqual([]);
    const added = inTenant
      ? rowsOf(
          db,
          "select i.email, i.id glob 'idn_????????-????-7???-[89ab]???-????????????' as fits from user_identities i",
        )
      : rowsOf(db, "select tenant_id, sequence from audit_heads");
    expect(await added).toEqual(
      inTenant
        ? [
            { email: "ada@acme.test", fits: 1 },
            { email: "bob@acme.test", fits: 1 },
          ]
        : [{ tenant_id: "tnt_1", sequence: 0 }],
    );
  },
);
