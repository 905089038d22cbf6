import { inspect } from "node:util";
import { describe, expect } from "vitest";
import { parseSettings } from "../env.ts";
import { platformOf } from "../ports.backends.ts";
import { allOf, failureOf } from "../testing/failure.ts";
import { stack } from "../testing/harness.ts";
import { createTurso, type Trouble } from "../testing/turso.ts";
import {
  newName,
  openTurso as open,
  operationsOf as operations,
  test,
} from "../testing/turso-account.ts";

describe("a database", () => {
  test("is created in our group, and its host is the one Turso names", async ({ turso }) => {
    const name = newName();
    const host = await open(turso).ensureDatabase({ name });
    const made = { name, group: turso.group, hostname: host };
    expect([...turso.databases.values()]).toEqual([expect.objectContaining(made)]);
    expect(operations(turso)).toEqual(["createDatabase"]);
  });

  for (const duplicateStatus of [409, 400] as const)
    test(`whose creation was never confirmed is adopted, a duplicate being a ${duplicateStatus}`, async () => {
      const turso = createTurso(stack.settings, { duplicateStatus });
      turso.misbehave({ with: "createDatabase", reply: "broken", done: true, times: 1 });
      const name = newName();
      const host = await open(turso).ensureDatabase({ name });
      expect(host).toBe(turso.databases.get(name)?.hostname);
      expect(operations(turso)).toEqual(["createDatabase", "createDatabase", "getDatabase"]);
      expect(turso.violations).toEqual([]);
    });

  test("that was made although the answer says 500 is adopted", async ({ turso }) => {
    const reply = { status: 500, body: { error: "internal" } };
    turso.misbehave({ with: "createDatabase", reply, done: true, times: 1 });
    const name = newName();
    expect(await open(turso).ensureDatabase({ name })).toBe(turso.databases.get(name)?.hostname);
    expect(turso.databases.size).toBe(1);
  });

  test("of our name in another group is refused, not adopted", async ({ turso }) => {
    const name = newName();
    await turso.place(name, "somebody-else");
    const failure = await failureOf(open(turso).ensureDatabase({ name }));
    expect(failure.code).toBe("dependency_unavailable");
    expect(failure.message).toContain("another group");
    expect(turso.databases.get(name)?.group).toBe("somebody-else");
  });

  test("whose name is not a plain one is never asked for", async ({ turso }) => {
    const platform = open(turso);
    for (const name of ["", "A", "a/b", "../x", "a?b", "a b", "-a", "a".repeat(64)]) {
      await expect(platform.ensureDatabase({ name })).rejects.toThrow("Not the name of a database");
      await expect(platform.mintToken(name)).rejects.toThrow("Not the name of a database");
    }
    expect(turso.calls).toEqual([]);
  });
});

describe("a token", () => {
  test("has full access for the days configured, and is not remembered as valid for longer", async ({
    turso,
  }) => {
    const platform = open(turso, { DATABASE_TOKEN_DAYS: "30" });
    const name = newName();
    await platform.ensureDatabase({ name });
    const before = Date.now();
    const { token, expiresAt } = await platform.mintToken(name);
    expect(turso.calls.at(-1)).toMatchObject({
      operation: "createDatabaseToken",
      query: { expiration: "30d", authorization: "full-access" },
    });
    const payload = JSON.parse(atob(token.reveal().split(".")[1] ?? "")) as { exp: number };
    expect(expiresAt).toBeGreaterThanOrEqual(before + 30 * 86_400_000);
    expect(expiresAt).toBeLessThan(payload.exp * 1000 + 1000);
  });

  test("of a database that is gone is refused as such", async ({ turso }) => {
    const failure = await failureOf(open(turso).mintToken(newName()));
    expect(failure.message).toContain("no such database");
    expect(operations(turso)).toEqual(["createDatabaseToken"]);
  });
});

describe("an overloaded or failing Turso", () => {
  test("is asked again, after as long as it wishes", async ({ turso }) => {
    const reply = { status: 429, headers: { "retry-after": "1" } };
    turso.misbehave({ with: "createDatabase", reply, times: 1 });
    await open(turso).ensureDatabase({ name: newName() });
    const [first, second, ...more] = turso.calls;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
    expect(more).toEqual([]);
  });

  test("that wishes to be left alone for a minute is, and the caller is told so", async ({
    turso,
  }) => {
    const reply = { status: 429, headers: { "retry-after": "60" } };
    turso.misbehave({ with: "createDatabase", reply });
    const failure = await failureOf(open(turso).ensureDatabase({ name: newName() }));
    expect(failure).toMatchObject({ status: 503, headers: { "retry-after": "60" } });
    expect(turso.calls).toHaveLength(1);
  });

  test("that recovers costs nothing but time", async ({ turso }) => {
    turso.misbehave({ with: "createDatabase", reply: { status: 502, body: "<html>" }, times: 2 });
    turso.misbehave({ with: "createDatabaseToken", reply: "broken", times: 1 });
    const platform = open(turso);
    const name = newName();
    await platform.ensureDatabase({ name });
    await platform.mintToken(name);
    expect(turso.databases.size).toBe(1);
    expect(turso.calls).toHaveLength(5);
  });

  for (const reply of [{ status: 500 }, "silence", "broken"] as const)
    test(`that does not recover (${inspect(reply)}) ends in 503 within the time of one call`, async ({
      turso,
    }) => {
      turso.misbehave({ with: "createDatabase", reply });
      const began = Date.now();
      const failure = await failureOf(
        open(turso, { DATABASE_TIMEOUT_MS: "500" }).ensureDatabase({ name: newName() }),
      );
      expect(failure.code).toBe("dependency_unavailable");
      expect(failure.headers).toEqual({ "retry-after": "2" });
      expect(Date.now() - began).toBeLessThan(1500);
      expect(turso.calls.length).toBeLessThanOrEqual(8);
    });
});

describe("a refusal", () => {
  const refusals: [number, string, string, string][] = [
    [
      400,
      "group not found",
      "config_invalid",
      "TURSO_GROUP or TURSO_GROUPS names no group of TURSO_ORGANIZATION",
    ],
    [401, "Unauthorized", "config_invalid", "TURSO_API_TOKEN is not accepted"],
    [402, "over limit", "config_invalid", "The plan of TURSO_ORGANIZATION does not allow this"],
    [403, "forbidden", "config_invalid", "TURSO_API_TOKEN does not allow this"],
    [422, "name not available", "dependency_unavailable", "The database platform refuses"],
  ];
  for (const [status, error, code, detail] of refusals)
    test(`with ${status} is told in our words, keeps Turso's for the log and is not repeated`, async ({
      turso,
    }) => {
      turso.misbehave({ with: "createDatabase", reply: { status, body: { error } } });
      const failure = await failureOf(open(turso).ensureDatabase({ name: newName() }));
      expect(failure).toMatchObject({ code, message: detail });
      expect(failure.cause).toEqual({ status, error: JSON.stringify({ error }) });
      expect(turso.calls).toHaveLength(1);
    });

  test("to redirect: the token goes nowhere else", async ({ turso }) => {
    const headers = { location: "https://evil.com/" };
    turso.misbehave({ with: "createDatabase", reply: { status: 307, headers } });
    const failure = await failureOf(open(turso).ensureDatabase({ name: newName() }));
    expect(failure.message).toBe("The database platform refuses");
    expect(turso.calls).toHaveLength(1);
  });
});

describe("an answer outside the contract", () => {
  const host = (Hostname: unknown) => ({ database: { Name: "x", DbId: "x", Hostname } });
  const answers: [string, Trouble["with"], unknown][] = [
    ["HTML", "createDatabase", "<html>"],
    ["no host", "createDatabase", {}],
    ["a host of somebody else", "createDatabase", host("evil.com")],
    ["a host that is a user at a host", "createDatabase", host("user@x.turso.io")],
    ["no token", "createDatabaseToken", { token: "x.y.z" }],
    ["a token that is a header", "createDatabaseToken", { jwt: "a.b.c\r\nx: y" }],
  ];
  for (const [what, operation, body] of answers)
    test(`(${what}) is 503 and is kept nowhere`, async ({ turso }) => {
      turso.misbehave({ with: operation, reply: { status: 200, body } });
      const platform = open(turso);
      const work =
        operation === "createDatabase"
          ? platform.ensureDatabase({ name: "x" })
          : platform.mintToken("x");
      const failure = await failureOf(work);
      expect(failure.message).toBe("The database platform answers something unexpected");
      expect(failure.cause).toEqual({ status: 200, paths: [expect.any(String)] });
    });
});

describe("the API token", () => {
  test("is in no error, whatever Turso echoes and however the call fails", async ({ turso }) => {
    const echo = { error: `bad header: Bearer ${turso.apiToken}` };
    const troubles: NonNullable<Trouble["reply"]>[] = [
      ...[400, 401, 402, 403, 404, 409, 422, 429, 500].map((status) => ({ status, body: echo })),
      { status: 200, body: echo },
      "silence",
      "broken",
    ];
    const platform = open(turso, { DATABASE_TIMEOUT_MS: "200" });
    for (const reply of troubles) {
      turso.behave();
      turso.misbehave(
        { with: "createDatabase", reply },
        { with: "getDatabase", reply: { status: 404, body: echo } },
        { with: "createDatabaseToken", reply },
      );
      const attempts = [platform.ensureDatabase({ name: "x" }), platform.mintToken("x")];
      for (const failure of await Promise.all(attempts.map(failureOf)))
        expect(allOf(failure)).not.toContain(turso.apiToken);
    }
  });

  test("is in no error of a runtime that quotes what it sent", async () => {
    const turso = createTurso(stack.settings);
    const quoting = async (_: unknown, init?: RequestInit) => {
      throw new TypeError(JSON.stringify(init), { cause: new Error(turso.apiToken) });
    };
    const settings = parseSettings({
      ...stack.settings,
      ...turso.settings,
      DATABASE_TIMEOUT_MS: "200",
    });
    const platform = platformOf(settings, quoting as typeof fetch);
    const failures = [platform.ensureDatabase({ name: "x" }), platform.mintToken("x")].map(
      failureOf,
    );
    for (const failure of await Promise.all(failures)) {
      expect(failure.cause).toMatchObject({ status: 0, error: expect.stringContaining("Bearer") });
      expect(allOf(failure)).not.toContain(turso.apiToken);
    }
  });

  test("that no header can carry is refused as a setting, and not quoted", async ({ turso }) => {
    for (const token of ["two\nlines", "two words", "smörgås", "nul\u0000"])
      expect(() => open(turso, { TURSO_API_TOKEN: token })).toThrow(
        expect.objectContaining({
          code: "config_invalid",
          message: "TURSO_API_TOKEN holds characters no HTTP header may",
        }),
      );
  });
});

describe("the settings", () => {
  test("that would give hosts DNS does not allow are refused by name", ({ turso }) => {
    open(turso, { TURSO_ORGANIZATION: "o".repeat(22) });
    expect(() => open(turso, { TURSO_ORGANIZATION: "o".repeat(23) })).toThrow(
      expect.objectContaining({
        code: "config_invalid",
        message: expect.stringContaining("TURSO_ORGANIZATION"),
      }),
    );
  });
});

describe("a stored host", () => {
  const label = (length: number) => "a".repeat(length);

  for (const host of ["x.turso.io", "tnt-1-acme.aws-eu-west-1.turso.io", `${label(63)}.turso.io`])
    test(`of Turso is where the database is: ${host.slice(0, 40)}`, ({ turso }) => {
      expect(open(turso).locate("x", host)).toEqual({ url: `https://${host}` });
    });

  const foreign = [
    "",
    "evil.com",
    "turso.io",
    ".turso.io",
    "x..turso.io",
    "x.turso.io.evil.com",
    "xturso.io",
    "x.turso.io:8080",
    "user@x.turso.io",
    "user:pass@x.turso.io",
    "x.turso.io/..",
    "x.turso.io/",
    "evil.com/x.turso.io",
    "evil.com#x.turso.io",
    "evil.com?x.turso.io",
    "evil.com\\x.turso.io",
    "https://x.turso.io",
    "x.turso.io ",
    "x.turso.io\n",
    "x.turso.io.",
    "X.turso.io",
    "%65.turso.io",
    "ｘ.turso.io",
    "-x.turso.io",
    "x-.turso.io",
    `${label(64)}.turso.io`,
    "x_y.turso.io",
    `${`${label(60)}.`.repeat(5)}turso.io`,
  ];
  test("that is anything but a plain name under turso.io is refused", ({ turso }) => {
    const platform = open(turso);
    for (const host of foreign)
      expect(() => platform.locate("x", host), host).toThrow("Not a host of Turso");
    expect(() => platform.locate("x", null)).toThrow("Not a host of Turso");
  });
});
