import { inspect } from "node:util";
import { describe, expect, vi } from "vitest";
import { type Auth0, everythingSent, startAuth0, type Trouble } from "../testing/auth0.ts";
import { failures } from "../testing/auth0-contract.ts";
import { allOf, failureOf } from "../testing/failure.ts";
import { ada, openProvider as open, operations, test } from "../testing/identity.ts";
import type { IdentityProvider } from "./identity-provider.ts";

const tokenRequests = (auth0: Auth0) =>
  operations(auth0).filter((operation) => operation === "getToken").length;
const blockAda = (auth0: Auth0, options?: Parameters<typeof open>[1]) =>
  open(auth0, options).setBlocked("auth0|ada", true);

describe("a token", () => {
  test("is asked for once, however many calls there are", async ({ auth0 }) => {
    const provider = open(auth0);
    for (let at = 0; at < 5; at++) await provider.invite({ ...ada, email: `p${at}@acme.test` });
    expect(tokenRequests(auth0)).toBe(1);
  });

  test("is asked for once by many who need one at the same moment", async ({ auth0 }) => {
    auth0.misbehave({ with: "getToken", delayMs: 100 });
    const { user_id: subject } = auth0.place({ email: ada.email });
    const provider = open(auth0);
    const work = Array.from({ length: 20 }, () => provider.setBlocked(subject, true));
    expect(new Set(await Promise.all(work))).toEqual(new Set([true]));
    expect(tokenRequests(auth0)).toBe(1);
  });

  test("whose asker went away is asked for by the next", async ({ auth0 }) => {
    auth0.place({ email: ada.email, subject: "auth0|ada" });
    let first = true;
    const cancelled: typeof fetch = (input, init) => {
      if (!first) return auth0.fetch(input, init);
      first = false;
      return new Promise(() => {});
    };
    const provider = open(auth0, { get: cancelled, timeoutMs: 800 });
    void provider.setBlocked("auth0|ada", true);
    await new Promise((wake) => setTimeout(wake, 400));
    expect(await provider.setBlocked("auth0|ada", true)).toBe(true);
  });

  test("that cannot be had is refused to all who waited, with one request", async ({ auth0 }) => {
    auth0.misbehave({ with: "getToken", delayMs: 50, reply: failures.wrongClient });
    const provider = open(auth0);
    const work = Array.from({ length: 20 }, () => provider.setBlocked("auth0|ada", true));
    for (const failure of await Promise.all(work.map(failureOf)))
      expect(failure.code).toBe("config_invalid");
    expect(tokenRequests(auth0)).toBe(1);
    auth0.behave();
    expect(await provider.setBlocked("auth0|ada", true)).toBe(false);
  });

  test("is renewed before it ends", async () => {
    for (const [tokenSeconds, requests] of [
      [59, 2],
      [62, 1],
    ] as const) {
      const auth0 = await startAuth0({ tokenSeconds });
      const provider = open(auth0);
      await provider.setBlocked("auth0|ada", true);
      await provider.setBlocked("auth0|ada", true);
      expect(tokenRequests(auth0)).toBe(requests);
      auth0.stop();
    }
  });

  test("that was revoked is replaced once, and the work goes on", async ({ auth0 }) => {
    const provider = open(auth0);
    await provider.setBlocked("auth0|ada", true);
    auth0.revokeTokens();
    expect(await provider.invite(ada)).toBe(auth0.tickets[0]?.url);
    expect(tokenRequests(auth0)).toBe(2);
  });

  test("that was revoked is replaced once for all who have it", async ({ auth0 }) => {
    const { user_id: subject } = auth0.place({ email: ada.email });
    const provider = open(auth0);
    await provider.setBlocked(subject, true);
    auth0.revokeTokens();
    const work = Array.from({ length: 20 }, () => provider.setBlocked(subject, false));
    expect(new Set(await Promise.all(work))).toEqual(new Set([true]));
    expect(tokenRequests(auth0)).toBe(2);
  });

  test("that is refused although it is fresh is a matter of the settings", async ({ auth0 }) => {
    auth0.misbehave({ with: "updateUser", reply: failures.invalidToken });
    const failure = await failureOf(blockAda(auth0));
    expect(failure.code).toBe("config_invalid");
    expect(failure.message).toContain("AUTH0_MANAGEMENT_URL");
    expect(operations(auth0)).toEqual(["getToken", "updateUser", "getToken", "updateUser"]);
  });

  const tokens: [string, unknown][] = [
    ["HTML", "<html>"],
    ["none", { token_type: "Bearer", expires_in: 86_400 }],
    ["one that is two headers", { access_token: "a\r\nx: y", expires_in: 86_400 }],
    ["one without an end", { access_token: "a" }],
    ["one that ended", { access_token: "a", expires_in: 0 }],
  ];
  for (const [what, body] of tokens)
    test(`that is no token (${what}) is 503 and is sent nowhere`, async ({ auth0 }) => {
      auth0.misbehave({ with: "getToken", reply: { status: 200, body } });
      const failure = await failureOf(blockAda(auth0));
      expect(failure.message).toBe("The identity provider answers something unexpected");
      expect(operations(auth0)).toEqual(["getToken"]);
    });
});

describe("a setting that is wrong is named", () => {
  const client = "AUTH0_MANAGEMENT_CLIENT_SECRET";
  const wrong: [string, Record<string, string>, string][] = [
    ["the secret", { AUTH0_MANAGEMENT_CLIENT_SECRET: "wrong" }, client],
    ["the client", { AUTH0_MANAGEMENT_CLIENT_ID: "wrong" }, client],
  ];
  for (const [what, settings, name] of wrong)
    test(`${what}`, async ({ auth0 }) => {
      const failure = await failureOf(blockAda(auth0, { settings }));
      expect(failure).toMatchObject({ code: "config_invalid", status: 503 });
      expect(failure.message).toContain(name);
      expect(auth0.calls).toHaveLength(1);
    });

  const replies: [string, Trouble, string][] = [
    [
      "a client without a grant",
      { with: "getToken", reply: failures.noGrant },
      "AUTH0_MANAGEMENT_CLIENT_ID has no access",
    ],
    [
      "an address that is not Auth0's",
      { with: "getToken", reply: { status: 404, body: "Not found" } },
      "AUTH0_MANAGEMENT_URL is not",
    ],
    [
      "a client without a scope",
      { with: "updateUser", reply: failures.missingScope },
      "AUTH0_MANAGEMENT_CLIENT_ID needs read:users",
    ],
    [
      "a client that may not",
      { with: "updateUser", reply: { status: 403 } },
      "AUTH0_MANAGEMENT_CLIENT_ID does not allow",
    ],
  ];
  for (const [what, trouble, detail] of replies)
    test(`${what}`, async ({ auth0 }) => {
      auth0.misbehave(trouble);
      const failure = await failureOf(blockAda(auth0));
      expect(failure.code).toBe("config_invalid");
      expect(failure.message).toContain(detail);
    });

  test("but a slash at the end of the address is none", async ({ auth0 }) => {
    const settings = { AUTH0_MANAGEMENT_URL: `${auth0.url}/` };
    expect(await blockAda(auth0, { settings })).toBe(false);
  });
});

describe("an overloaded or failing Auth0", () => {
  test("is asked again, after as long as it wishes", async ({ auth0 }) => {
    const { user_id: subject } = auth0.place({ email: ada.email });
    const reply = { ...failures.tooMany, headers: { "retry-after": "1" } };
    auth0.misbehave({ with: "updateUser", reply, times: 1 });
    expect(await open(auth0).setBlocked(subject, true)).toBe(true);
    const [first, second, ...more] = auth0.calls.slice(1);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
    expect(more).toEqual([]);
  });

  const inSeconds = (left: number) => String(Math.floor(Date.now() / 1000) + left);
  const waits: [string, Trouble["with"], () => Record<string, string>, number][] = [
    ["seconds", "updateUser", () => ({ "retry-after": "60" }), 60],
    ["the moment its limit ends", "updateUser", () => ({ "x-ratelimit-reset": inSeconds(60) }), 60],
    [
      "seconds, whatever the tenant's own limit is",
      "updateUser",
      () => ({ "retry-after": "30", "x-ratelimit-reset": inSeconds(1) }),
      30,
    ],
    ["seconds for a token", "getToken", () => ({ "retry-after": "3600" }), 3600],
  ];
  for (const [what, operation, headers, seconds] of waits)
    test(`that names ${what} beyond our time is left alone, and the caller is told so`, async ({
      auth0,
    }) => {
      const limit = operation === "getToken" ? failures.tokenQuota : failures.tooMany;
      auth0.misbehave({ with: operation, reply: { ...limit, headers: headers() } });
      const failure = await failureOf(blockAda(auth0));
      expect(failure).toMatchObject({ code: "dependency_unavailable", status: 503 });
      const told = Number(failure.headers["retry-after"]);
      expect(Math.abs(told - seconds)).toBeLessThanOrEqual(1);
      expect(operations(auth0).filter((one) => one === operation)).toHaveLength(1);
    });

  test("that recovers costs nothing but time", async ({ auth0 }) => {
    auth0.misbehave(
      { with: "getToken", reply: { status: 502, body: "<html>" }, times: 1 },
      { with: "getUsersByEmail", reply: "broken", times: 1 },
      { with: "createUser", reply: { status: 503 }, times: 1 },
      { with: "createTicket", delayMs: 200, times: 1 },
    );
    expect(await open(auth0).invite(ada)).toBe(auth0.tickets[0]?.url);
    expect(auth0.users.size).toBe(1);
  });

  const names = ["getToken", "getUsersByEmail", "createUser", "createTicket"] as const;
  for (const operation of names)
    for (const reply of [{ status: 500 }, "silence", "broken"] as const)
      test(`that does not recover (${operation}: ${inspect(reply)}) ends in 503 in time`, async ({
        auth0,
      }) => {
        auth0.misbehave({ with: operation, reply });
        const began = Date.now();
        const failure = await failureOf(open(auth0, { timeoutMs: 400 }).invite(ada));
        expect(failure).toMatchObject({ code: "dependency_unavailable", status: 503 });
        expect(failure.headers).toEqual({ "retry-after": "2" });
        expect(failure.message).toMatch(/^The identity provider (does not answer|is overloaded)/);
        expect(Date.now() - began).toBeLessThan(1500);
        expect(auth0.calls.length).toBeLessThanOrEqual(10);
      });

  test("that sends us elsewhere is not followed", async ({ auth0 }) => {
    const reply = { status: 307, headers: { location: "https://evil.test/" } };
    for (const operation of ["getToken", "updateUser"] as const) {
      auth0.behave();
      auth0.misbehave({ with: operation, reply });
      expect((await failureOf(blockAda(auth0))).message).toBe("The identity provider refuses");
    }
  });
});

describe("no secret is in any error or log", () => {
  const inOrganization = { ...ada, organizationId: "org_Acme" };
  const attempts: [Trouble["with"], (provider: IdentityProvider) => Promise<unknown>][] = [
    ["getToken", (provider) => provider.setBlocked("auth0|1", true)],
    ["getUsersByEmail", (provider) => provider.invite(ada)],
    ["createUser", (provider) => provider.invite(ada)],
    ["addMembers", (provider) => provider.invite(inOrganization)],
    ["createTicket", (provider) => provider.invite(ada)],
    ["updateUser", (provider) => provider.setBlocked("auth0|1", true)],
    ["linkIdentity", (provider) => provider.link("auth0|1", "auth0|2")],
  ];
  const refusals = [302, 400, 401, 402, 403, 409, 422, 429, 500];
  for (const [operation, attempt] of attempts)
    test(`whatever Auth0 echoes at ${operation} and however that fails`, async ({ auth0 }) => {
      const logs = (["log", "info", "warn", "error", "debug"] as const).map((level) =>
        vi.spyOn(console, level),
      );
      auth0.organizations.set("org_Acme", new Set());
      await open(auth0).invite({ ...ada, email: "first@acme.test" });
      const replies: NonNullable<Trouble["reply"]>[] = [
        "broken",
        ...[200, 201, 202].map((status) => ({ status, body: auth0.secrets() })),
        ...refusals.map((status) => ({ status, body: everythingSent })),
      ];
      for (const reply of replies) {
        auth0.behave();
        auth0.misbehave({ with: operation, reply, done: reply !== "broken" });
        const told = await attempt(open(auth0, { timeoutMs: 200 })).then(() => "", allOf);
        for (const secret of auth0.secrets()) expect(told).not.toContain(secret);
      }
      for (const log of logs) expect(log).not.toHaveBeenCalled();
      vi.restoreAllMocks();
    });

  test("nor of a runtime that quotes what it sent", async ({ auth0 }) => {
    const sent: string[] = [];
    const quoting = (after: number): typeof fetch => {
      let calls = 0;
      return async (input, init) => {
        if (calls++ < after) return await auth0.fetch(input, init);
        sent.push(String(init?.body ?? ""));
        throw new TypeError(JSON.stringify(init), { cause: new Error(String(init?.body)) });
      };
    };
    for (const after of [0, 1, 2, 3]) {
      const provider = open(auth0, { get: quoting(after), timeoutMs: 150 });
      const failure = await failureOf(provider.invite({ ...ada, email: `p${after}@acme.test` }));
      expect(failure.cause).toMatchObject({ status: 0, error: expect.stringContaining("method") });
      const passwords = sent.flatMap((body) => /"password":"([^"]+)"/.exec(body)?.[1] ?? []);
      for (const secret of [...auth0.secrets(), ...passwords])
        expect(allOf(failure)).not.toContain(secret);
    }
  });

  test("nor spelt as JSON or as part of an address", async ({ auth0 }) => {
    const secret = 'a"b\\c/d e';
    const body = `${JSON.stringify(secret)} ${encodeURIComponent(secret)} ${secret}`;
    auth0.misbehave({ with: "getToken", reply: { status: 401, body } });
    const settings = { AUTH0_MANAGEMENT_CLIENT_SECRET: secret };
    const failure = await failureOf(blockAda(auth0, { settings }));
    expect(failure.cause).toEqual({ status: 401, error: '"[redacted]" [redacted] [redacted]' });
  });
});
