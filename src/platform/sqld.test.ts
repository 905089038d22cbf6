import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ApiError } from "../core/error.ts";
import { parseSettings } from "../env.ts";
import { platformOf } from "../ports.backends.ts";
import { openDatabase } from "../testing/databases.ts";
import { allOf, failureOf } from "../testing/failure.ts";
import { stack } from "../testing/harness.ts";
import { execute, rowsOf } from "../testing/raw-sql.ts";
import { askSqldAdmin } from "../testing/sqld-admin.ts";
import type { Platform } from "./platform.ts";

const { SQLD_ADMIN_URL: adminUrl = "", SQLD_ADMIN_KEY: adminKey = "" } = stack.settings;
const open = (get: typeof fetch = fetch, settings: Record<string, string> = {}): Platform =>
  platformOf(parseSettings({ ...stack.settings, ...settings }), get);
const platform = open();
const newName = () => `own-${randomUUID()}`;
const configOf = async (name: string) =>
  (await askSqldAdmin({ adminUrl, adminKey }, "GET", `${name}/config`)).body;

/** A database with these words in a table of its own. */
async function databaseWith(...words: string[]) {
  const name = newName();
  await platform.ensureDatabase({ name });
  const db = await openDatabase(platform, name);
  await execute(db, "create table words (word text) strict", ...words.map(insertion));
  return { name, db };
}
const insertion = (word: string) => `insert into words values ('${word}')`;
const wordsIn = async (name: string) => {
  const rows = await rowsOf<{ word: string }>(
    await openDatabase(platform, name),
    "select word from words order by word",
  );
  return rows.map(({ word }) => word);
};

/** What the database's server said. */
const causeOf = async (work: Promise<unknown>) => String((await failureOf(work)).cause);

/** sqld, but for what it says first. Notes what it is asked, and with what. */
function withAnswers(...first: (Response | "lost")[]) {
  const asked: string[] = [];
  const bodies: unknown[] = [];
  const get = (async (input, init) => {
    asked.push(`${init?.method} ${new URL(String(input)).pathname}`);
    bodies.push(JSON.parse(String(init?.body ?? "null")));
    const answer = first.shift();
    if (answer instanceof Response) return answer;
    const response = await fetch(input, init);
    if (answer === "lost") throw new TypeError("fetch failed");
    return response;
  }) as typeof fetch;
  return { platform: open(get), asked, bodies };
}
const mislaid = () => Response.json({ error: "Namespace `x` doesn't exist" }, { status: 404 });

describe("a database", () => {
  test("is made once, however often and by however many at once, and keeps what is in it", async () => {
    const name = newName();
    const made = Array.from({ length: 8 }, () => platform.ensureDatabase({ name }));
    expect(new Set(await Promise.all(made))).toEqual(new Set([null]));
    const db = await openDatabase(platform, name);
    await execute(db, "create table words (word text) strict", insertion("kept"));
    expect(await platform.ensureDatabase({ name })).toBeNull();
    expect(await wordsIn(name)).toEqual(["kept"]);
  });

  test("grows to its limit and not beyond", async () => {
    const name = newName();
    await platform.ensureDatabase({ name, maxBytes: 400_000 });
    const db = await openDatabase(platform, name);
    await execute(db, "create table words (word text) strict");
    const more = "insert into words select hex(randomblob(50000))";
    await execute(db, more);
    expect(await causeOf(execute(db, more, more, more))).toContain("disk is full");
    await platform.configure(name, { maxBytes: 1_000_000 });
    await execute(db, more, more, more);
  });

  test("is found when it is there, and missed when it is not", async () => {
    const name = newName();
    for (const _ of "12") expect(await platform.findDatabase(name)).toBeUndefined();
    await platform.ensureDatabase({ name });
    for (const _ of "12")
      expect(await platform.findDatabase(name)).toEqual({ host: null, region: null });
  });

  test("is placed in no region, as there are none: asked for one, nothing is made", async () => {
    const name = newName();
    expect(platform.regions).toEqual([]);
    expect(await failureOf(platform.ensureDatabase({ name, region: "eu" }))).toMatchObject({
      code: "invalid_request",
      message: "The region must be left out: there are none",
    });
    expect(await platform.findDatabase(name)).toBeUndefined();
  });

  test("is on no list: sqld has none", () => {
    expect(platform.listDatabases()).toBeUndefined();
  });

  test("that failed to be made is not asked for again by the same call, which would adopt it", async () => {
    const { platform, asked } = withAnswers(new Response("disk full", { status: 500 }));
    const name = newName();
    const failure = await failureOf(platform.ensureDatabase({ name }));
    expect(failure.message).toBe("The database platform is overloaded or failing");
    expect(asked).toEqual([`POST /v1/namespaces/${name}/create`]);
  });
});

describe("a copy", () => {
  test("holds what its original holds, and each goes its own way from then on", async () => {
    const original = await databaseWith("before");
    const name = newName();
    await platform.ensureDatabase({ name, copyOf: { name: original.name } });
    await execute(original.db, insertion("original"));
    await execute(await openDatabase(platform, name), insertion("copy"));
    expect(await wordsIn(original.name)).toEqual(["before", "original"]);
    expect(await wordsIn(name)).toEqual(["before", "copy"]);
    // What is there already is adopted, not made anew.
    await platform.ensureDatabase({ name, copyOf: { name: original.name } });
    expect(await wordsIn(name)).toEqual(["before", "copy"]);
  });

  test("of a blocked database is open, with its limit unless given another; the original stays blocked", async () => {
    const { name: original } = await databaseWith("word");
    const rules = {
      blockReads: true,
      blockWrites: true,
      blockReason: "unpaid",
      maxBytes: 8_192_000,
    };
    await platform.configure(original, rules);
    const [same, larger] = [newName(), newName()];
    await platform.ensureDatabase({ name: same, copyOf: { name: original } });
    const copyOf = { name: original };
    await platform.ensureDatabase({ name: larger, maxBytes: 16_384_000, copyOf });
    const lifted = { block_reads: false, block_writes: false, block_reason: null };
    expect(await configOf(same)).toMatchObject({ ...lifted, max_db_size: "8.2 MB" });
    expect(await configOf(larger)).toMatchObject({ ...lifted, max_db_size: "16.4 MB" });
    expect(await wordsIn(same)).toEqual(["word"]);
    expect(await configOf(original)).toMatchObject({ block_reads: true, block_reason: "unpaid" });
  });

  test("whose answer was lost is adopted, and opened as well", async () => {
    const { name: original } = await databaseWith("word");
    await platform.configure(original, { blockWrites: true });
    const { platform: lossy, asked } = withAnswers("lost");
    const wanted = { name: newName(), copyOf: { name: original } };
    expect((await failureOf(lossy.ensureDatabase(wanted))).code).toBe("dependency_unavailable");
    expect(asked).toHaveLength(1);
    expect(await configOf(wanted.name)).toMatchObject({ block_writes: true });
    await lossy.ensureDatabase(wanted);
    await execute(await openDatabase(platform, wanted.name), insertion("more"));
    expect(await wordsIn(wanted.name)).toEqual(["more", "word"]);
  });

  test("that was broken off is there as a whole or not at all, and whole after a next try", async () => {
    const { name: original, db } = await databaseWith();
    for (let i = 0; i < 8; i++)
      await execute(db, "insert into words select hex(randomblob(1000000))");
    const impatient = open(
      (async (input, init) =>
        await fetch(input, { ...init, signal: AbortSignal.timeout(25) })) as typeof fetch,
    );
    const wanted = { name: newName(), copyOf: { name: original } };
    await impatient.ensureDatabase(wanted).catch(() => undefined);
    // While sqld clears away what was broken off, it may still refuse.
    const tried = () =>
      platform.ensureDatabase(wanted).then(
        () => "made",
        (error: ApiError) => error.code,
      );
    await expect.poll(tried, { timeout: 10_000 }).toBe("made");
    const [held] = await rowsOf(
      await openDatabase(platform, wanted.name),
      "select count(*) words, sum(length(word)) letters from words",
    );
    expect(held).toEqual({ words: 8, letters: 16_000_000 });
  });

  test("as of a moment cannot be had: sqld is not asked, and the name stays free", async () => {
    const { name: original } = await databaseWith("word");
    const { platform, asked } = withAnswers();
    const name = newName();
    expect(platform.pointInTime).toBe(false);
    const copyOf = { name: original, at: Date.now() };
    expect((await failureOf(platform.ensureDatabase({ name, copyOf }))).code).toBe("conflict");
    expect(asked).toEqual([]);
    await platform.ensureDatabase({ name, copyOf: { name: original } });
    expect(await wordsIn(name)).toEqual(["word"]);
  });

  test("of what is not there is refused, and leaves nothing", async () => {
    const name = newName();
    for (const _ of "12") {
      const failure = await failureOf(
        platform.ensureDatabase({ name, copyOf: { name: newName() } }),
      );
      expect(failure.message).toBe("The database platform holds no such database");
      expect(await platform.findDatabase(name)).toBeUndefined();
    }
  });
});

describe("rules", () => {
  test("block writes or everything, tell why, and are lifted with their reason", async () => {
    const { name, db } = await databaseWith("word");
    const words = "select word from words";
    for (const _ of "12")
      await platform.configure(name, { blockWrites: true, blockReason: "payment is due" });
    expect(await causeOf(execute(db, insertion("more")))).toContain("payment is due");
    expect(await rowsOf(db, words)).toHaveLength(1);
    await platform.configure(name, { blockReads: true });
    expect(await causeOf(rowsOf(db, words))).toContain("payment is due");
    await platform.configure(name, { blockReads: false, blockWrites: false });
    await execute(db, insertion("more"));
    expect(await configOf(name)).toMatchObject({ block_reason: null });
  });

  test("that are not named stay as they were, to the byte", async () => {
    const { name } = await databaseWith("word");
    const key = "r3A3yDDLvKGBUcLiHYYjc6TCkD1cBbBCOaaO1Ufzd5A";
    const others = { jwt_key: key, txn_timeout_s: 7, heartbeat_url: null, allow_attach: true };
    const blocks = { block_reads: true, block_writes: false, block_reason: "audit" };
    const before = { ...blocks, ...others, max_db_size: 8_388_608, durability_mode: "strong" };
    await askSqldAdmin({ adminUrl, adminKey }, "POST", `${name}/config`, before);
    const was = await configOf(name);
    expect(was).toMatchObject({ ...blocks, ...others, durability_mode: "strong" });
    const { platform, bodies } = withAnswers();
    await platform.configure(name, { blockWrites: true });
    expect(await configOf(name)).toEqual({ ...was, block_writes: true });
    // Told back rounded, it would creep.
    expect(bodies.at(-1)).not.toHaveProperty("max_db_size");
  });

  test("sqld does not know change nothing", async () => {
    const { name } = await databaseWith("word");
    const was = await configOf(name);
    await platform.configure(name, { deleteProtection: true });
    expect(await configOf(name)).toEqual(was);
    await platform.deleteDatabase(name);
    expect(await platform.findDatabase(name)).toBeUndefined();
  });
});

describe("tokens", () => {
  test("cannot be ended: that is said, and they go on working", async () => {
    const { name } = await databaseWith("word");
    for (const _ of "12") expect(await platform.endTokens(name)).toBe(false);
    expect(await wordsIn(name)).toEqual(["word"]);
  });
});

describe("usage", () => {
  test("counts what was read, written and stored, for this database alone", async () => {
    const [busy, idle] = [await databaseWith(), newName()];
    await platform.ensureDatabase({ name: idle });
    const before = await platform.usageOf(busy.name);
    await execute(busy.db, ...Array.from({ length: 10 }, () => insertion("word")));
    expect(await wordsIn(busy.name)).toHaveLength(10);
    const after = await platform.usageOf(busy.name);
    expect(after.rowsWritten - before.rowsWritten).toBe(10);
    expect(after.rowsRead - before.rowsRead).toBeGreaterThanOrEqual(10);
    // sqld measures a second after it opened the database.
    await expect
      .poll(async () => (await platform.usageOf(busy.name)).storageBytes, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(8192);
    expect(await platform.usageOf(idle)).toMatchObject({ rowsRead: 0, rowsWritten: 0 });
  });
});

describe("deletion", () => {
  test("ends one database for good, blocked or not, and may be repeated", async () => {
    const [doomed, spared] = [await databaseWith("word"), await databaseWith("spared")];
    await platform.configure(doomed.name, { blockReads: true, blockWrites: true });
    for (const _ of "12") await platform.deleteDatabase(doomed.name);
    expect(await platform.findDatabase(doomed.name)).toBeUndefined();
    await platform.ensureDatabase({ name: doomed.name });
    await expect(wordsIn(doomed.name)).rejects.toThrow("no such table");
    expect(await wordsIn(spared.name)).toEqual(["spared"]);
  });

  test("of what never was is done", async () => {
    await platform.deleteDatabase(newName());
  });

  test("whose answer was lost is done as well", async () => {
    const { name } = await databaseWith("word");
    const { platform: lossy, asked } = withAnswers("lost");
    await lossy.deleteDatabase(name);
    expect(new Set(asked)).toEqual(new Set([`DELETE /v1/namespaces/${name}`]));
    expect(await platform.findDatabase(name)).toBeUndefined();
  });

  test("is not believed to have happened because sqld mislaid the database for a moment", async () => {
    const { name } = await databaseWith("word");
    await withAnswers(mislaid()).platform.deleteDatabase(name);
    expect(await platform.findDatabase(name)).toBeUndefined();
  });
});

type Method = [string, (platform: Platform, name: string) => Promise<unknown>];
const making: Method[] = [
  ["ensureDatabase", (platform, name) => platform.ensureDatabase({ name })],
  ["a copy", (platform, name) => platform.ensureDatabase({ name: "x", copyOf: { name } })],
];
const needing: Method[] = [
  ["configure", (platform, name) => platform.configure(name, { blockWrites: true })],
  ["usageOf", (platform, name) => platform.usageOf(name)],
];
const tolerating: Method[] = [
  ["findDatabase", (platform, name) => platform.findDatabase(name)],
  ["deleteDatabase", (platform, name) => platform.deleteDatabase(name)],
];

describe.each([...making, ...needing, ...tolerating])("%s", (_, work) => {
  test("with a wrong key is refused as that, and the key is in no error", async () => {
    const { name } = await databaseWith("word");
    const wrong = open(fetch, { SQLD_ADMIN_KEY: "not-the-key" });
    for (const _ of "12") {
      const failure = await failureOf(work(wrong, name));
      const message = "SQLD_ADMIN_KEY is not accepted";
      expect(failure).toMatchObject({ code: "config_invalid", message });
      expect(allOf(failure)).not.toContain("not-the-key");
    }
    expect(await configOf(name)).toMatchObject({ block_writes: false });
    expect(await wordsIn(name)).toEqual(["word"]);
  });

  test("at an address that is not sqld's admin API is refused as that", async () => {
    const lost = open(fetch, { SQLD_ADMIN_URL: `${stack.apiUrl}/nowhere` });
    const failure = await failureOf(work(lost, newName()));
    const message = "SQLD_ADMIN_URL is not the address of sqld's admin API";
    expect(failure).toMatchObject({ code: "config_invalid", message });
  });

  test("of what is no plain name is never sent", async () => {
    const { platform, asked } = withAnswers();
    for (const name of ["", "A", "a/b", "../x", "a?b", "%2e%2e", "-a", "a".repeat(64)])
      await expect(work(platform, name)).rejects.toThrow("Not the name of a database");
    expect(asked).toEqual([]);
  });
});

test.each(needing)("%s of a database that is not there says so, every time", async (_, work) => {
  for (const _ of "12") {
    const failure = await failureOf(work(platform, newName()));
    const message = "The database platform holds no such database";
    expect(failure).toMatchObject({ code: "dependency_unavailable", message });
  }
});

test.each([...needing, ...tolerating])(
  "%s is asked again while sqld is failing",
  async (_, work) => {
    const { name } = await databaseWith("word");
    const { platform, asked } = withAnswers(new Response("", { status: 503 }), mislaid());
    await work(platform, name);
    expect(asked.length).toBeGreaterThanOrEqual(3);
  },
);
