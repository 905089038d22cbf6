import { describe, expect } from "vitest";
import { allOf, failureOf } from "../testing/failure.ts";
import { execute } from "../testing/raw-sql.ts";
import {
  databaseWith,
  insertion,
  namesListed,
  newName,
  openAtTurso,
  openTurso,
  operationsOf,
  test,
  wordsIn,
} from "../testing/turso-account.ts";
import type { TursoOperation } from "../testing/turso-contract.ts";
import type { Platform } from "./platform.ts";

const causeOf = async (work: Promise<unknown>) => String((await failureOf(work)).cause);

describe("a database", () => {
  test("is found with its host when it is there, and missed when it is not", async ({ turso }) => {
    const platform = openTurso(turso);
    const { name } = await databaseWith(turso);
    const host = turso.databases.get(name)?.hostname;
    for (const _ of "12") {
      expect(await platform.findDatabase(name)).toEqual({ host, region: null });
      expect(await platform.findDatabase(newName())).toBeUndefined();
    }
  });

  test("in a group that is none of ours is neither found nor deleted", async ({ turso }) => {
    const platform = openTurso(turso);
    const name = newName();
    await turso.place(name, "somebody-else");
    for (const work of [platform.findDatabase(name), platform.deleteDatabase(name)])
      expect((await failureOf(work)).message).toContain("another group");
    expect(turso.databases.has(name)).toBe(true);
  });
});

describe("an organization that is not there", () => {
  const reply = { status: 404, body: { error: "organization not found" } };

  test("is not mistaken for a database that is gone", async ({ turso }) => {
    const { name } = await databaseWith(turso);
    turso.misbehave({ with: "getDatabase", reply }, { with: "deleteDatabase", reply });
    const platform = openTurso(turso);
    for (const work of [platform.findDatabase(name), platform.deleteDatabase(name)])
      expect(await failureOf(work)).toMatchObject({
        code: "config_invalid",
        message: expect.stringContaining("TURSO_ORGANIZATION"),
      });
  });
});

describe("the list", () => {
  test("has every database of our group once, with its host, and no other", async ({ turso }) => {
    const platform = openTurso(turso);
    expect(await namesListed(platform)).toEqual([]);
    const names = [newName(), newName(), newName()];
    for (const name of names) await platform.ensureDatabase({ name });
    await turso.place(newName(), "somebody-else");
    expect(await namesListed(platform)).toEqual(names);
    for await (const { name, host } of platform.listDatabases() ?? [])
      expect(host).toBe(turso.databases.get(name)?.hostname);
  });

  test.describe("in pages", () => {
    test.override({ options: { pageSize: 2 } });

    test("is read to its end, and a page that fails is asked for again", async ({ turso }) => {
      const names = [1, 2, 3, 4, 5].map(newName);
      for (const name of names) await turso.place(name, turso.group);
      turso.misbehave({ with: "listDatabases", reply: { status: 502 }, times: 1 });
      expect(await namesListed(openTurso(turso))).toEqual(names);
      expect(turso.calls.map(({ query }) => query["cursor"])).toEqual([
        undefined,
        undefined,
        "2",
        "4",
      ]);
    });

    test("is read no further than somebody wants to know", async ({ turso }) => {
      for (let i = 0; i < 5; i++) await turso.place(newName(), turso.group);
      for await (const _ of openTurso(turso).listDatabases() ?? []) break;
      expect(turso.calls).toHaveLength(1);
    });
  });

  test("that leads back to where it was is given up", async ({ turso }) => {
    const body = { databases: [], pagination: { next: "again" } };
    turso.misbehave({ with: "listDatabases", reply: { status: 200, body } });
    const failure = await failureOf(namesListed(openTurso(turso)));
    expect(failure.message).toContain("does not end");
    expect(turso.calls).toHaveLength(2);
  });
});

describe("rules", () => {
  test("block writes or everything, and are lifted", async ({ turso }) => {
    const platform = openTurso(turso);
    const { name, db } = await databaseWith(turso, "word");
    for (const _ of "12")
      await platform.configure(name, { blockWrites: true, blockReason: "payment is due" });
    expect(await causeOf(execute(db, insertion("more")))).toContain("BLOCKED");
    expect(await wordsIn(db)).toEqual(["word"]);
    await platform.configure(name, { blockReads: true });
    expect(await causeOf(wordsIn(db))).toContain("BLOCKED");
    await platform.configure(name, { blockReads: false, blockWrites: false });
    await execute(db, insertion("more"));
  });

  test("that are not named are not sent, and where none is nothing is", async ({ turso }) => {
    const platform = openTurso(turso);
    const { name } = await databaseWith(turso);
    await platform.configure(name, { maxBytes: 10_000_000 });
    await platform.configure(name, { deleteProtection: true });
    await platform.configure(name, { blockWrites: false });
    await platform.configure(name, {});
    expect(turso.calls.map(({ body }) => body)).toEqual([
      { size_limit: "10000000" },
      { delete_protection: true },
      { block_writes: false },
    ]);
    expect(turso.databases.get(name)?.deleteProtection).toBe(true);
  });
});

describe("the tokens of a database", () => {
  test("all end at once, those of others do not, and a new one opens it", async ({ turso }) => {
    const platform = openTurso(turso);
    const [one, other] = [await databaseWith(turso, "one"), await databaseWith(turso, "other")];
    const second = await openAtTurso(turso, one.name);
    for (const _ of "12") expect(await platform.endTokens(one.name)).toBe(true);
    for (const db of [one.db, second]) await failureOf(wordsIn(db));
    expect(await wordsIn(other.db)).toEqual(["other"]);
    expect(await wordsIn(await openAtTurso(turso, one.name))).toEqual(["one"]);
  });
});

describe("usage", () => {
  test("counts what was read and written, for this database alone", async ({ turso }) => {
    const platform = openTurso(turso);
    const [busy, idle] = [await databaseWith(turso), newName()];
    await turso.place(idle, turso.group);
    const before = await platform.usageOf(busy.name);
    await execute(busy.db, ...Array.from({ length: 10 }, () => insertion("word")));
    expect(await wordsIn(busy.db)).toHaveLength(10);
    const after = await platform.usageOf(busy.name);
    expect(after.rowsWritten - before.rowsWritten).toBe(10);
    expect(after.rowsRead - before.rowsRead).toBeGreaterThanOrEqual(10);
    await expect
      .poll(async () => (await platform.usageOf(busy.name)).storageBytes, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(8192);
    expect(await platform.usageOf(idle)).toMatchObject({ rowsRead: 0, rowsWritten: 0 });
  });

  test("that is no count is not believed", async ({ turso }) => {
    const { name } = await databaseWith(turso);
    const total = { rows_read: -1, rows_written: "2", storage_bytes: 3 };
    const body = { database: { total } };
    turso.misbehave({ with: "getDatabaseUsage", reply: { status: 200, body } });
    const failure = await failureOf(openTurso(turso).usageOf(name));
    expect(failure.message).toBe("The database platform answers something unexpected");
  });
});

describe("deletion", () => {
  test("ends one database for good, may be repeated, and frees the name", async ({ turso }) => {
    const platform = openTurso(turso);
    const [doomed, spared] = [await databaseWith(turso, "doomed"), await databaseWith(turso, "x")];
    for (const _ of "12") await platform.deleteDatabase(doomed.name);
    expect(operationsOf(turso)).toEqual(["getDatabase", "deleteDatabase", "getDatabase"]);
    expect(await platform.findDatabase(doomed.name)).toBeUndefined();
    expect(await wordsIn(spared.db)).toEqual(["x"]);
    await platform.ensureDatabase({ name: doomed.name });
    await failureOf(wordsIn(doomed.db));
  });

  test("lifts the protection first, which holds against everybody else", async ({ turso }) => {
    const platform = openTurso(turso);
    const { name } = await databaseWith(turso);
    await platform.configure(name, { deleteProtection: true });
    await platform.deleteDatabase(name);
    expect(operationsOf(turso).slice(1)).toEqual([
      "getDatabase",
      "updateDatabaseConfiguration",
      "deleteDatabase",
    ]);
    expect(turso.databases.size).toBe(0);
  });

  test("whose answer was lost is done", async ({ turso }) => {
    const { name } = await databaseWith(turso);
    turso.misbehave({ with: "deleteDatabase", reply: "broken", done: true, times: 1 });
    await openTurso(turso).deleteDatabase(name);
    expect(operationsOf(turso)).toEqual(["getDatabase", "deleteDatabase", "deleteDatabase"]);
    expect(turso.databases.size).toBe(0);
  });
});

type Method = [
  string,
  { asks: TursoOperation; work: (platform: Platform, name: string) => Promise<unknown> },
];
const needing: Method[] = [
  ["mintToken", { asks: "createDatabaseToken", work: (to, name) => to.mintToken(name) }],
  ["endTokens", { asks: "invalidateDatabaseTokens", work: (to, name) => to.endTokens(name) }],
  ["usageOf", { asks: "getDatabaseUsage", work: (to, name) => to.usageOf(name) }],
  [
    "configure",
    {
      asks: "updateDatabaseConfiguration",
      work: (to, name) => to.configure(name, { blockWrites: true }),
    },
  ],
];
const others: Method[] = [
  ["ensureDatabase", { asks: "createDatabase", work: (to, name) => to.ensureDatabase({ name }) }],
  ["findDatabase", { asks: "getDatabase", work: (to, name) => to.findDatabase(name) }],
  ["listDatabases", { asks: "listDatabases", work: namesListed }],
  ["deleteDatabase", { asks: "deleteDatabase", work: (to, name) => to.deleteDatabase(name) }],
];

describe.concurrent.for([...needing, ...others])("%s", ([, { asks, work }]) => {
  test("outlasts a Turso that is overloaded, failing, breaking off or silent about what it did", async ({
    turso,
  }) => {
    const { name } = await databaseWith(turso);
    const wait = { status: 429, headers: { "retry-after": "1" } };
    turso.misbehave(
      { with: asks, reply: wait, times: 1 },
      { with: asks, reply: { status: 500 }, times: 1 },
      { with: asks, reply: "broken", done: true, times: 1 },
    );
    await work(openTurso(turso, { DATABASE_TIMEOUT_MS: "10000" }), name);
    const asked = turso.calls.filter(({ operation }) => operation === asks);
    expect(asked).toHaveLength(4);
    expect((asked[1]?.at ?? 0) - (asked[0]?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });

  test("ends in time where Turso is slow or silent", async ({ turso }) => {
    const { name } = await databaseWith(turso);
    const platform = openTurso(turso, { DATABASE_TIMEOUT_MS: "300" });
    for (const trouble of [{ reply: "silence" }, { delayMs: 5000 }] as const) {
      turso.behave();
      turso.misbehave({ with: asks, ...trouble });
      const began = Date.now();
      const failure = await failureOf(work(platform, name));
      expect(failure).toMatchObject({ status: 503, headers: { "retry-after": "2" } });
      expect(Date.now() - began).toBeLessThan(1500);
    }
  });

  for (const [status, detail] of [
    [401, "TURSO_API_TOKEN is not accepted"],
    [403, "TURSO_API_TOKEN does not allow this"],
  ] as const)
    test(`that is answered ${status} names the setting, is not repeated and tells no token`, async ({
      turso,
    }) => {
      const { name } = await databaseWith(turso);
      const body = { error: `not for ${turso.apiToken}` };
      turso.misbehave({ with: asks, reply: { status, body } });
      const failure = await failureOf(work(openTurso(turso), name));
      expect(failure).toMatchObject({ code: "config_invalid", message: detail });
      expect(allOf(failure)).not.toContain(turso.apiToken);
      expect(operationsOf(turso).filter((operation) => operation === asks)).toHaveLength(1);
    });
});

describe.for(needing)("%s", ([, { work }]) => {
  test("of a database that is not there says so, every time", async ({ turso }) => {
    for (const _ of "12") {
      const failure = await failureOf(work(openTurso(turso), newName()));
      expect(failure.message).toBe("The database platform holds no such database");
    }
    expect(turso.calls).toHaveLength(2);
  });
});

describe.for([...needing, ...others.filter(([name]) => name !== "listDatabases")])(
  "%s",
  ([, { work }]) => {
    test("of what is no plain name is never sent", async ({ turso }) => {
      for (const name of ["", "A", "a/b", "../x", "a?b", "%2e%2e", "-a", "a".repeat(64)])
        await expect(work(openTurso(turso), name)).rejects.toThrow("Not the name of a database");
      expect(turso.calls).toEqual([]);
    });
  },
);
