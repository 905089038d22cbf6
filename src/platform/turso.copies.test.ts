import { describe, expect } from "vitest";
import { failureOf } from "../testing/failure.ts";
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

describe("a copy", () => {
  test("holds what its original holds, and each goes its own way from then on", async ({
    turso,
  }) => {
    const original = await databaseWith(turso, "before");
    const name = newName();
    const wanted = { name, copyOf: { name: original.name } };
    const host = await openTurso(turso).ensureDatabase(wanted);
    expect(host).toBe(turso.databases.get(name)?.hostname);
    expect(turso.calls[0]?.body).toEqual({
      name,
      group: turso.group,
      seed: { type: "database", name: original.name },
    });
    // To see whether it is blocked, which it is not.
    expect(operationsOf(turso)).toEqual(["createDatabase", "getDatabase"]);
    const copy = await openAtTurso(turso, name);
    await execute(original.db, insertion("original"));
    await execute(copy, insertion("copy"));
    expect(await wordsIn(original.db)).toEqual(["before", "original"]);
    expect(await openTurso(turso).ensureDatabase(wanted)).toBe(host);
    expect(await wordsIn(copy)).toEqual(["before", "copy"]);
  });

  test("as of a moment holds what was there then, and nothing of the second after", async ({
    turso,
  }) => {
    const original = await databaseWith(turso, "before");
    await turso.keepMoment(original.name);
    const at = Date.now();
    await execute(original.db, insertion("after"));
    const platform = openTurso(turso);
    expect(platform.pointInTime).toBe(true);
    const name = newName();
    await platform.ensureDatabase({ name, copyOf: { name: original.name, at } });
    expect(await wordsIn(await openAtTurso(turso, name))).toEqual(["before"]);
    const timestamp = `${new Date(at).toISOString().slice(0, 19)}Z`;
    expect(turso.calls[0]?.body).toMatchObject({ seed: { timestamp } });
  });

  test("as of a moment Turso keeps nothing of is refused, and nothing is made", async ({
    turso,
  }) => {
    const original = await databaseWith(turso, "word");
    const copyOf = { name: original.name, at: Date.now() - 86_400_000 };
    const failure = await failureOf(openTurso(turso).ensureDatabase({ name: newName(), copyOf }));
    expect(failure.message).toBe("The database platform refuses");
    expect([...turso.databases.keys()]).toEqual([original.name]);
  });

  test("of a blocked database is open, and the original stays blocked", async ({ turso }) => {
    const { name: original } = await databaseWith(turso, "word");
    const platform = openTurso(turso);
    await platform.configure(original, { blockReads: true, blockWrites: true });
    const name = newName();
    await platform.ensureDatabase({ name, maxBytes: 16_384_000, copyOf: { name: original } });
    const copy = await openAtTurso(turso, name);
    await execute(copy, insertion("more"));
    expect(await wordsIn(copy)).toEqual(["more", "word"]);
    await failureOf(wordsIn(await openAtTurso(turso, original)));
  });

  for (const lost of ["createDatabase", "updateDatabaseConfiguration"] as const)
    test(`is adopted and opened when the answer to ${lost} was lost and the request given up`, async ({
      turso,
    }) => {
      const { name: original } = await databaseWith(turso, "word");
      await openTurso(turso).configure(original, { blockWrites: true });
      turso.misbehave({ with: lost, reply: { status: 418 }, done: true, times: 1 });
      const wanted = { name: newName(), copyOf: { name: original } };
      await failureOf(openTurso(turso).ensureDatabase(wanted));
      const host = await openTurso(turso).ensureDatabase(wanted);
      expect(host).toBe(turso.databases.get(wanted.name)?.hostname);
      await execute(await openAtTurso(turso, wanted.name), insertion("more"));
    });

  for (const reply of ["broken", { status: 500 }] as const)
    test(`made although the answer was ${JSON.stringify(reply)} is adopted`, async ({ turso }) => {
      const { name: original } = await databaseWith(turso, "word");
      turso.misbehave({ with: "createDatabase", reply, done: true, times: 1 });
      const name = newName();
      await openTurso(turso).ensureDatabase({ name, copyOf: { name: original } });
      expect(await wordsIn(await openAtTurso(turso, name))).toEqual(["word"]);
    });

  test("may take longer than anything else", async ({ turso }) => {
    const { name: original } = await databaseWith(turso, "word");
    turso.misbehave({ with: "createDatabase", delayMs: 600 });
    const platform = openTurso(turso, { DATABASE_TIMEOUT_MS: "200" });
    await platform.ensureDatabase({ name: newName(), copyOf: { name: original } });
    await failureOf(platform.ensureDatabase({ name: newName() }));
  });

  test("is never something else that has its name", async ({ turso }) => {
    const [original, other] = [await databaseWith(turso, "word"), await databaseWith(turso)];
    const [empty, another] = [newName(), newName()];
    const platform = openTurso(turso);
    await platform.ensureDatabase({ name: empty });
    await platform.ensureDatabase({ name: another, copyOf: { name: other.name } });
    for (const name of [empty, another, original.name]) {
      const failure = await failureOf(
        platform.ensureDatabase({ name, copyOf: { name: original.name } }),
      );
      expect(failure.message).toContain("no copy of the one asked for");
    }
    expect(turso.databases.size).toBe(4);
  });

  test("of what is not there, or of no plain name, is refused and leaves nothing", async ({
    turso,
  }) => {
    const platform = openTurso(turso);
    const copyOf = { name: newName() };
    const failure = await failureOf(platform.ensureDatabase({ name: newName(), copyOf }));
    expect(failure.message).toBe("The database platform holds no such database");
    const odd = platform.ensureDatabase({ name: newName(), copyOf: { name: "a/b" } });
    await expect(odd).rejects.toThrow("Not the name of a database");
    expect(operationsOf(turso)).toEqual(["createDatabase"]);
    expect(turso.databases.size).toBe(0);
  });
});

test("a database grows to the limit it was made with, and not beyond", async ({ turso }) => {
  const name = newName();
  await openTurso(turso).ensureDatabase({ name, maxBytes: 400_000 });
  expect(turso.calls[0]?.body).toMatchObject({ size_limit: "400000" });
  const db = await openAtTurso(turso, name);
  const more = "insert into words select hex(randomblob(50000))";
  await execute(db, "create table words (word text) strict", more);
  const full = await failureOf(execute(db, more, more, more));
  expect(String(full.cause)).toContain("disk is full");
});

describe("of several regions", () => {
  test.override({ options: { regions: { eu: "tenants", us: "tenants-us" } } });

  test("the first is where a database goes that names none", async ({ turso }) => {
    const platform = openTurso(turso);
    expect(platform.regions).toEqual(["eu", "us"]);
    const name = newName();
    await platform.ensureDatabase({ name });
    expect(turso.databases.get(name)?.group).toBe("tenants");
    expect(await platform.findDatabase(name)).toMatchObject({ region: "eu" });
  });

  test("the one named is where the database is, and is found again", async ({ turso }) => {
    const platform = openTurso(turso);
    const name = newName();
    const host = await platform.ensureDatabase({ name, region: "us" });
    expect(turso.databases.get(name)?.group).toBe("tenants-us");
    expect(await platform.findDatabase(name)).toEqual({ host, region: "us" });
    expect(await platform.ensureDatabase({ name, region: "us" })).toBe(host);
  });

  test("none but those named is taken: the caller is told which there are, Turso is not asked", async ({
    turso,
  }) => {
    for (const region of ["mars", "", "tenants", "EU"]) {
      const failure = await failureOf(openTurso(turso).ensureDatabase({ name: "x", region }));
      expect(failure).toMatchObject({
        code: "invalid_request",
        message: "The region must be one of eu, us",
        errors: [{ in: "body", path: "region" }],
      });
    }
    expect(turso.calls).toEqual([]);
  });

  test("a database in another than the one asked for is not adopted", async ({ turso }) => {
    const platform = openTurso(turso);
    const name = newName();
    await platform.ensureDatabase({ name, region: "eu" });
    const failure = await failureOf(platform.ensureDatabase({ name, region: "us" }));
    expect(failure.message).toContain("another group");
    expect(turso.databases.get(name)?.group).toBe("tenants");
  });

  test("every one is listed, and no group that is none of ours", async ({ turso }) => {
    const platform = openTurso(turso);
    const wanted = ["eu", "us", "eu"].map((region) => ({ name: newName(), region }));
    for (const database of wanted) await platform.ensureDatabase(database);
    await turso.place(newName(), "somebody-else");
    const names = await namesListed(platform);
    expect(names.sort()).toEqual(wanted.map(({ name }) => name).sort());
  });
});
