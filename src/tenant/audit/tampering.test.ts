import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { createSigners } from "../../core/mac.ts";
import { Secret } from "../../core/secret.ts";
import { batch } from "../../db/batch.ts";
import { settings, type TestTenant } from "../../testing/harness.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { disarm, fillLog, newSeenTenant, seal, sealHalf, verify } from "../../testing/sealing.ts";
import { type Link, linksOver, purpose, unsealed } from "./chain.ts";
import { rowsAfter } from "./links.sql.ts";

/** A sealed log of 40 rows, numbers 31 to 35 left out, in the hands of somebody with all of SQL. */
async function newVictim(): Promise<TestTenant> {
  const tenant = await newSeenTenant();
  await fillLog(tenant.db, 23);
  await execute(tenant.db, "update sqlite_sequence set seq = 35 where name = 'audit_logs'");
  await fillLog(tenant.db, 10);
  expect(await seal(tenant)).toMatchObject({ sequence: 45, links: 40 });
  expect(await verify(tenant.owner)).toMatchObject({ status: "intact", verified: 40 });
  await disarm(tenant.db);
  return tenant;
}

const columns = "actor_type, actor_id, entity, entity_id, action, changes, at";
const insertAt = (sequence: number | string) =>
  `insert into audit_logs (sequence, ${columns}) select ${sequence}, ${columns} from audit_logs where sequence = 12`;
const swap = (table: string) => [
  `update ${table} set sequence = -12 where sequence = 12`,
  `update ${table} set sequence = 12 where sequence = 13`,
  `update ${table} set sequence = 13 where sequence = -12`,
];
const cut = (after: number) => [
  `delete from audit_logs where sequence > ${after}`,
  `delete from audit_links where sequence > ${after}`,
];

test.each<[string, string[], string, number]>([
  ["a row edited", ["update audit_logs set actor_id = 'x' where sequence = 12"], "changed", 12],
  ["the last row edited", ["update audit_logs set at = at + 1 where sequence = 45"], "changed", 45],
  ["every row edited", ["update audit_logs set actor_id = 'x'"], "changed", 1],
  [
    "a number no JavaScript holds",
    ["update audit_logs set at = 4611686018427387905 where sequence = 12"],
    "changed",
    12,
  ],
  ["a row deleted", ["delete from audit_logs where sequence = 12"], "missing", 12],
  ["the first row deleted", ["delete from audit_logs where sequence = 1"], "missing", 1],
  ["the last row deleted", ["delete from audit_logs where sequence = 45"], "missing", 45],
  ["all rows deleted", ["delete from audit_logs"], "missing", 1],
  [
    "a row deleted with its link",
    ["delete from audit_logs where sequence = 12", "delete from audit_links where sequence = 12"],
    "missing",
    12,
  ],
  [
    "the beginning deleted with its links",
    ["delete from audit_logs where sequence < 9", "delete from audit_links where sequence < 9"],
    "missing",
    1,
  ],
  ["a row inserted where numbers were left out", [insertAt(33)], "added", 33],
  [
    "a row inserted with a link copied",
    [
      insertAt(33),
      "insert into audit_links select 33, mac, kid from audit_links where sequence = 30",
    ],
    "added",
    33,
  ],
  ["a row inserted before the first", [insertAt(0)], "added", 0],
  ["a row inserted far before the first", [insertAt(-7), insertAt(0)], "added", -7],
  ["a row inserted beyond any number", [insertAt("9223372036854775807")], "added", 2 ** 63],
  ["two rows swapped", swap("audit_logs"), "changed", 12],
  [
    "two rows swapped with their links",
    [...swap("audit_logs"), ...swap("audit_links")],
    "changed",
    12,
  ],
  ["the tail cut, rows and links", cut(25), "cut", 26],
  ["only the last row cut, with its link", cut(44), "cut", 45],
  ["everything cut", cut(0), "cut", 1],
  [
    "the tail cut and grown again",
    [
      ...cut(25),
      "update sqlite_sequence set seq = 25",
      ...Array.from({ length: 30 }, () => insertAt("null")),
    ],
    "cut",
    26,
  ],
  ["the links cut", ["delete from audit_links where sequence > 25"], "cut", 26],
  ["a link deleted", ["delete from audit_links where sequence = 25"], "added", 25],
  ["all links deleted", ["delete from audit_links"], "cut", 1],
  ["the table of links dropped", ["drop table audit_links"], "cut", 1],
  [
    "the table of links replaced",
    ["drop table audit_links", "create table audit_links (x text)"],
    "cut",
    1,
  ],
  ["a link edited", ["update audit_links set mac = 'x' where sequence = 12"], "changed", 12],
  [
    "a link of another key",
    ["update audit_links set kid = 'k9' where sequence = 12"],
    "key_unknown",
    12,
  ],
  [
    "a link put after the last",
    [
      "insert into audit_links select 46, mac, kid from audit_links where sequence = 45",
      insertAt(46),
    ],
    "changed",
    46,
  ],
  [
    "a link put far after the last",
    ["insert into audit_links select 99, mac, kid from audit_links where sequence = 45"],
    "missing",
    99,
  ],
])("%s: found, and named exactly", async (_, statements, finding, sequence) => {
  const { db, owner } = await newVictim();
  await execute(db, ...statements);
  const found = await verify(owner);
  expect(found).toMatchObject({
    status: "broken",
    next: null,
    sealedTo: 45,
    broken: { finding, sequence, id: `aud_${sequence}` },
  });
});

test("no column of a sealed row can be edited unseen", async () => {
  const { db, owner } = await newVictim();
  const [row] = await rowsOf(db, "select * from audit_logs where sequence = 12");
  const { sequence: _, ...rest } = row ?? {};
  expect(Object.keys(rest).length).toBeGreaterThan(12);
  for (const [name, value] of Object.entries(rest)) {
    const another = name === "at" ? "1" : "'{}x'";
    await execute(db, `update audit_logs set ${name} = ${another} where sequence = 12`);
    expect((await verify(owner)).broken, name).toMatchObject({ finding: "changed", sequence: 12 });
    const before = value === null ? "null" : name === "at" ? value : `'${value}'`;
    await execute(db, `update audit_logs set ${name} = ${before} where sequence = 12`);
    expect((await verify(owner)).status, name).toBe("intact");
  }
});

test.each([
  [0, 1],
  [11, 12],
])(
  "a chain made anew after row %i without the key is found at its first link",
  async (after, sequence) => {
    const { id, db, owner } = await newVictim();
    await execute(db, "update audit_logs set actor_id = 'x' where sequence = 12");
    const [forger] = await createSigners([{ kid: "k1", key: new Secret("A".repeat(43)) }])(purpose);
    if (!forger) throw new Error("There is no forger");
    const [rows] = await batch(db, "read", [rowsAfter(db, after)] as const);
    const [before] = await rowsOf<Link>(db, `select * from audit_links where sequence = ${after}`);
    const forged = await linksOver(forger, id, before ?? unsealed, rows);
    await execute(
      db,
      `delete from audit_links where sequence > ${after}`,
      ...forged.map(
        ({ sequence, mac }) => `insert into audit_links values (${sequence}, '${mac}', 'k1')`,
      ),
    );
    expect(await verify(owner)).toMatchObject({
      status: "broken",
      verified: after,
      broken: { finding: "changed", sequence },
    });
  },
);

test("a log that was cut and then sealed again with the key is found by the registry's head", async () => {
  const tenant = await newVictim();
  await execute(tenant.db, ...cut(25), "update sqlite_sequence set seq = 25");
  await fillLog(tenant.db, 30);
  expect(await sealHalf(tenant, settings.SECRET_KEY, unsealed)).toMatchObject({ sequence: 55 });
  expect(await verify(tenant.owner)).toMatchObject({
    status: "broken",
    broken: { finding: "cut", sequence: 45 },
  });
});

test("more is found than a page holds: links that are gone, and rows", async () => {
  const [links, rows] = await Promise.all([newSeenTenant(), newSeenTenant()]);
  for (const tenant of [links, rows]) {
    await fillLog(tenant.db, 1800);
    await seal(tenant);
    await disarm(tenant.db);
  }
  await execute(links.db, "delete from audit_links where sequence between 5 and 1400");
  expect((await verify(links.owner)).broken).toMatchObject({ finding: "added", sequence: 5 });
  await execute(rows.db, "delete from audit_logs where sequence between 5 and 1400");
  expect((await verify(rows.owner)).broken).toMatchObject({ finding: "missing", sequence: 5 });
  await execute(rows.db, "delete from audit_links where sequence between 5 and 1400");
  expect((await verify(rows.owner)).broken).toMatchObject({ finding: "missing", sequence: 5 });
});

test("what comes after a broken row can be judged by going on from it", async () => {
  const { db, owner } = await newVictim();
  await execute(
    db,
    "update audit_logs set actor_id = 'x' where sequence in (5, 20)",
    "delete from audit_logs where sequence = 12",
    insertAt(33).replace("= 12", "= 13"),
  );
  const found: number[] = [];
  for (let from = 0; ; ) {
    const { status, broken } = await verify(owner, from);
    if (!broken) {
      expect(status).toBe("intact");
      break;
    }
    found.push(broken.sequence);
    from = broken.sequence;
  }
  expect(found).toEqual([5, 12, 20, 33]);
});

test("what one tenant's log was sealed with seals no other's", async () => {
  const [left, right] = await Promise.all([newVictim(), newVictim()]);
  const rows = await rowsOf<Record<string, unknown>>(left.db, "select * from audit_logs");
  const links = await rowsOf<Record<string, unknown>>(left.db, "select * from audit_links");
  const copy = (table: string, row: Record<string, unknown>) => {
    const values = sql.join(
      Object.values(row).map((value) => sql`${value}`),
      sql`, `,
    );
    const names = sql.raw(Object.keys(row).join(", "));
    return sql`insert into ${sql.raw(table)} (${names}) values (${values})`;
  };
  await execute(
    right.db,
    "delete from audit_logs",
    "delete from audit_links",
    ...rows.map((row) => copy("audit_logs", row)),
    ...links.map((row) => copy("audit_links", row)),
  );
  expect((await verify(right.owner)).broken).toMatchObject({ finding: "changed", sequence: 1 });
});
