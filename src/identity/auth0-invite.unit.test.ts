import { describe, expect } from "vitest";
import type { Trouble } from "../testing/auth0.ts";
import { failures } from "../testing/auth0-contract.ts";
import { failureOf } from "../testing/failure.ts";
import { ada, openProvider as open, operations, test } from "../testing/identity.ts";

describe("somebody new", () => {
  test("gets an account nobody knows the password of, and a link to choose one", async ({
    auth0,
  }) => {
    const link = await open(auth0).invite(ada);
    const [user, ...more] = auth0.users.values();
    expect(more).toEqual([]);
    expect(user).toMatchObject({ email: ada.email, name: ada.name, email_verified: false });
    expect(user?.identities).toMatchObject([{ connection: "people", provider: "auth0" }]);
    expect(auth0.tickets).toEqual([
      { url: link, subject: user?.user_id, returnTo: ada.returnTo, seconds: 432_000 },
    ]);
    expect(operations(auth0)).toEqual([
      "getToken",
      "getUsersByEmail",
      "createUser",
      "createTicket",
    ]);
    const made = auth0.calls.find(({ operation }) => operation === "createUser");
    expect(made?.body).toMatchObject({ email_verified: false, verify_email: false });
    expect(auth0.calls.at(-1)?.body).toMatchObject({ mark_email_as_verified: true });
  });

  test("is a member of the organisation before the link is there", async ({ auth0 }) => {
    auth0.organizations.set("org_Acme", new Set());
    expect(await open(auth0).invite({ ...ada, organizationId: "org_Acme" })).toMatch(/^https:/);
    expect(auth0.organizations.get("org_Acme")).toEqual(new Set(auth0.users.keys()));
    expect(operations(auth0).slice(-2)).toEqual(["addMembers", "createTicket"]);
  });

  const names = ["Ünal Çağlar", 'O\'Brien "Bob" <b>', "李小龍", "a".repeat(200), "𝒜|../..?x=1&y#z"];
  for (const name of names)
    test(`may be called ${name.slice(0, 20)}`, async ({ auth0 }) => {
      await open(auth0).invite({ ...ada, name });
      expect([...auth0.users.values()]).toMatchObject([{ name }]);
    });

  const addresses = ["ada+work@acme.test", "o'brien@acme.test", "ADA@Acme.test"];
  for (const email of addresses)
    test(`may be reached at ${email}, twice being one person`, async ({ auth0 }) => {
      const provider = open(auth0);
      await provider.invite({ ...ada, email });
      await provider.invite({ ...ada, email });
      const address = email.toLowerCase();
      expect([...auth0.users.values()].map((user) => user.email)).toEqual([address]);
    });

  test("gets passwords the strictest policy lets pass, each another", async ({ auth0 }) => {
    const provider = open(auth0);
    const people = Array.from({ length: 50 }, (_, at) => ({ ...ada, email: `p${at}@acme.test` }));
    await Promise.all(people.map((person) => provider.invite(person)));
    expect(auth0.users.size).toBe(50);
    expect(new Set(auth0.secrets()).size).toBe(auth0.secrets().length);
  });
});

describe("somebody with an account", () => {
  test("gets no link, and the account stays as it is", async ({ auth0 }) => {
    const before = structuredClone(auth0.place({ email: ada.email, name: "Countess" }));
    expect(await open(auth0).invite(ada)).toBeNull();
    expect([...auth0.users.values()]).toEqual([before]);
    expect(operations(auth0)).toEqual(["getToken", "getUsersByEmail"]);
  });

  test("who never proved the address gets no link either: it would hand over what they set up", async ({
    auth0,
  }) => {
    auth0.place({ email: ada.email, email_verified: false });
    expect(await open(auth0).invite(ada)).toBeNull();
    expect(auth0.users.size).toBe(1);
  });

  test("at a social provider that proved the address needs none with a password", async ({
    auth0,
  }) => {
    const connection = "google-oauth2";
    auth0.place({ email: ada.email, subject: "google-oauth2|1", connection });
    expect(await open(auth0).invite(ada)).toBeNull();
    expect(auth0.users.size).toBe(1);
  });

  test("which somebody else opened elsewhere in their name does not count", async ({ auth0 }) => {
    auth0.organizations.set("org_Acme", new Set());
    const elsewhere = { subject: "github|1", connection: "github", email_verified: false };
    auth0.place({ email: ada.email, ...elsewhere });
    expect(await open(auth0).invite({ ...ada, organizationId: "org_Acme" })).toMatch(/^https:/);
    expect(auth0.users.size).toBe(2);
    expect([...(auth0.organizations.get("org_Acme") ?? [])]).toEqual([auth0.tickets[0]?.subject]);
  });

  test("joins the organisation with all they sign in as, and may be in it already", async ({
    auth0,
  }) => {
    auth0.organizations.set("org_Acme", new Set(["auth0|1"]));
    auth0.place({ email: ada.email, subject: "auth0|1" });
    auth0.place({ email: ada.email, subject: "github|1", connection: "github" });
    expect(await open(auth0).invite({ ...ada, organizationId: "org_Acme" })).toBeNull();
    expect(auth0.organizations.get("org_Acme")).toEqual(new Set(["auth0|1", "github|1"]));
  });
});

describe("somebody invited before", () => {
  test("who never signed in gets another link for the same account", async ({ auth0 }) => {
    const first = await open(auth0).invite(ada);
    const second = await open(auth0).invite(ada);
    expect(second).not.toBe(first);
    expect(auth0.users.size).toBe(1);
    expect(new Set(auth0.tickets.map(({ subject }) => subject)).size).toBe(1);
  });

  test("who has signed in since gets none", async ({ auth0 }) => {
    const provider = open(auth0);
    await provider.invite(ada);
    for (const subject of auth0.users.keys()) auth0.signIn(subject);
    expect(await provider.invite(ada)).toBeNull();
  });

  test("at the same moment is one person, and each mail has a link", async ({ auth0 }) => {
    const isolates = [open(auth0), open(auth0), open(auth0)];
    const links = await Promise.all(isolates.map((provider) => provider.invite(ada)));
    expect(new Set(links).size).toBe(3);
    expect(links).not.toContain(null);
    expect(auth0.users.size).toBe(1);
  });
});

describe("a lost answer", () => {
  const troubles: [string, Trouble][] = [
    ["broken", { with: "createUser", reply: "broken", done: true, times: 1 }],
    ["a 500", { with: "createUser", reply: { status: 500 }, done: true, times: 1 }],
    ["broken before anything was done", { with: "createUser", reply: "broken", times: 1 }],
    ["broken at the ticket", { with: "createTicket", reply: "broken", done: true, times: 1 }],
  ];
  for (const [what, trouble] of troubles)
    test(`(${what}) leaves one account and shows one link`, async ({ auth0 }) => {
      auth0.misbehave(trouble);
      const link = await open(auth0).invite(ada);
      expect(auth0.users.size).toBe(1);
      expect(auth0.tickets.at(-1)?.url).toBe(link);
    });

  test("that takes all our time is made good by the next invitation", async ({ auth0 }) => {
    auth0.misbehave({ with: "createUser", reply: "silence", done: true, times: 1 });
    const failure = await failureOf(open(auth0, { timeoutMs: 300 }).invite(ada));
    expect(failure.code).toBe("dependency_unavailable");
    expect(await open(auth0).invite(ada)).toBe(auth0.tickets[0]?.url);
    expect(auth0.users.size).toBe(1);
  });

  test("of the organisation is no reason to join it half", async ({ auth0 }) => {
    auth0.organizations.set("org_Acme", new Set());
    auth0.misbehave({ with: "addMembers", reply: "broken", done: true, times: 1 });
    await open(auth0).invite({ ...ada, organizationId: "org_Acme" });
    expect(auth0.organizations.get("org_Acme")?.size).toBe(1);
    expect(auth0.tickets).toHaveLength(1);
  });
});

describe("an invitation fails", () => {
  test("when the organisation is none of Auth0's, whatever its id looks like", async ({
    auth0,
  }) => {
    for (const organizationId of [
      "org_Unknown",
      "",
      "..",
      "org_a/../../users",
      "org_%2e",
      "acme",
    ]) {
      const failure = await failureOf(open(auth0).invite({ ...ada, organizationId }));
      expect(failure).toMatchObject({
        code: "conflict",
        message: "The identity provider has no such organisation",
      });
    }
    expect(auth0.tickets).toEqual([]);
    expect(operations(auth0).filter((operation) => operation === "addMembers")).toHaveLength(1);
  });

  test("when the connection is not one of ours, naming the setting", async ({ auth0 }) => {
    const failure = await failureOf(
      open(auth0, { settings: { AUTH0_CONNECTION: "elsewhere" } }).invite(ada),
    );
    expect(failure.code).toBe("config_invalid");
    expect(failure.message).toContain("AUTH0_CONNECTION");
    auth0.misbehave({ with: "createUser", reply: failures.disabledConnection });
    expect((await failureOf(open(auth0).invite(ada))).message).toContain("AUTH0_CONNECTION");
  });

  test("when an account exists that Auth0 does not show", async ({ auth0 }) => {
    auth0.misbehave({ with: "createUser", reply: failures.userExists });
    const failure = await failureOf(open(auth0).invite(ada));
    expect(failure.code).toBe("dependency_unavailable");
    expect(failure.message).toBe("The identity provider hides an account with this address");
  });

  const subjects = ["..", "auth0", "auth0|", "|x", "AUTH0|x", "auth0|a\nb", 7, null];
  const answers: [string, Trouble["with"], unknown][] = [
    ["HTML", "getUsersByEmail", "<html>"],
    ["no list", "getUsersByEmail", {}],
    ["nobody's account", "getUsersByEmail", [{}]],
    [
      "a count of logins that is none",
      "getUsersByEmail",
      [{ user_id: "auth0|1", logins_count: "0" }],
    ],
    ...subjects.map((user_id): [string, Trouble["with"], unknown] => [
      `an account ${JSON.stringify(user_id)}`,
      "createUser",
      { user_id },
    ]),
    ["no link", "createTicket", {}],
    ["a link that runs", "createTicket", { ticket: "javascript:alert(1)" }],
    ["a link in plain text", "createTicket", { ticket: "http://acme.eu.auth0.com/lo/reset" }],
  ];
  for (const [what, operation, body] of answers)
    test(`when Auth0 answers with ${what}, and nobody gets a link`, async ({ auth0 }) => {
      const status = operation === "getUsersByEmail" ? 200 : 201;
      auth0.misbehave({ with: operation, reply: { status, body } });
      const failure = await failureOf(open(auth0).invite(ada));
      expect(failure.message).toBe("The identity provider answers something unexpected");
      expect(failure.cause).toEqual({ status, paths: [expect.any(String)] });
    });
});
