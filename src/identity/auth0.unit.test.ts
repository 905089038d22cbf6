import { describe, expect } from "vitest";
import { failures } from "../testing/auth0-contract.ts";
import { failureOf } from "../testing/failure.ts";
import { ada, openProvider as open, operations, test, unmanaged } from "../testing/identity.ts";

const awkward = [
  "auth0|5c1f",
  "samlp|acme|Ada.Lovelace@acme.test",
  "oidc|acme|a/b?c=d&e#f%g",
  "waad|Zm9v_-. x",
  "auth0|../../organizations",
  "github|李",
];
const foreign = ["", "..", "auth0", "user_123", "auth0|", "auth0|a\u0000b", "auth0|\ud800", "A|b"];

describe("blocking", () => {
  test("locks a user out and lets them in again", async ({ auth0 }) => {
    const { user_id: subject } = auth0.place({ email: ada.email });
    const provider = open(auth0);
    for (const blocked of [true, true, false]) {
      expect(await provider.setBlocked(subject, blocked)).toBe(true);
      expect(auth0.users.get(subject)?.blocked).toBe(blocked);
    }
  });

  for (const subject of awkward)
    test(`reaches ${subject} and nobody else`, async ({ auth0 }) => {
      auth0.place({ email: ada.email, subject });
      expect(await open(auth0).setBlocked(subject, true)).toBe(true);
      expect(auth0.calls.at(-1)).toMatchObject({ operation: "updateUser", id: subject });
    });

  test("somebody Auth0 does not know is told apart from failing", async ({ auth0 }) => {
    expect(await open(auth0).setBlocked("auth0|nobody", true)).toBe(false);
  });

  test("somebody who cannot be Auth0's is not asked for", async ({ auth0 }) => {
    for (const subject of foreign)
      expect(await open(auth0).setBlocked(subject, true), subject).toBe(false);
    expect(auth0.calls).toEqual([]);
  });

  test("is not done until Auth0 says of whom", async ({ auth0 }) => {
    const { user_id: subject } = auth0.place({ email: ada.email });
    for (const body of ["<html>Welcome</html>", {}, { user_id: "auth0|another" }]) {
      auth0.behave();
      auth0.misbehave({ with: "updateUser", reply: { status: 200, body } });
      const failure = await failureOf(open(auth0).setBlocked(subject, true));
      expect(failure.message).toBe("The identity provider answers something unexpected");
    }
  });
});

describe("linking", () => {
  for (const secondary of awkward)
    test(`makes ${secondary} an identity of the primary`, async ({ auth0 }) => {
      auth0.place({ email: ada.email, subject: "google-oauth2|1" });
      auth0.place({ email: "ada@home.test", subject: secondary });
      await open(auth0).link("google-oauth2|1", secondary);
      const identities = auth0.users.get("google-oauth2|1")?.identities;
      expect(identities?.map(({ provider, user_id }) => `${provider}|${user_id}`)).toEqual([
        "google-oauth2|1",
        secondary,
      ]);
      expect(auth0.users.has(secondary)).toBe(false);
    });

  test("again is done already, and with oneself was never to do", async ({ auth0 }) => {
    auth0.place({ email: ada.email, subject: "auth0|1" });
    auth0.place({ email: "ada@home.test", subject: "github|2" });
    const provider = open(auth0);
    await provider.link("auth0|1", "github|2");
    await provider.link("auth0|1", "github|2");
    const before = auth0.calls.length;
    await provider.link("auth0|1", "auth0|1");
    expect(auth0.calls).toHaveLength(before);
  });

  for (const refusal of [failures.identityExists, failures.noIdentity, failures.noUser])
    test(`whose answer was lost is found done, the repetition being a ${refusal.status}`, async ({
      auth0,
    }) => {
      auth0.place({ email: ada.email, subject: "auth0|1" });
      auth0.place({ email: "ada@home.test", subject: "github|2" });
      auth0.misbehave(
        { with: "linkIdentity", reply: "broken", done: true, times: 1 },
        { with: "linkIdentity", reply: refusal, times: 1 },
      );
      await open(auth0).link("auth0|1", "github|2");
      expect(operations(auth0).slice(1)).toEqual(["linkIdentity", "linkIdentity", "getUser"]);
    });

  test("what Auth0 shows with a number for an id is the same identity", async ({ auth0 }) => {
    auth0.place({ email: ada.email, subject: "auth0|1" });
    auth0.place({ email: "ada@home.test", subject: "github|2" });
    const body = [{ connection: "github", provider: "github", user_id: 2, isSocial: true }];
    auth0.misbehave({ with: "linkIdentity", reply: { status: 201, body } });
    await open(auth0).link("auth0|1", "github|2");
    expect(operations(auth0)).toEqual(["getToken", "linkIdentity"]);
  });

  test("an account that belongs to somebody else takes it from nobody", async ({ auth0 }) => {
    auth0.place({ email: ada.email, subject: "auth0|1" });
    auth0.place({ email: "bob@acme.test", subject: "auth0|2" });
    auth0.place({ email: "bob@home.test", subject: "github|2" });
    const provider = open(auth0);
    await provider.link("auth0|2", "github|2");
    expect((await failureOf(provider.link("auth0|1", "github|2"))).code).toBe("identity_taken");
    expect(auth0.users.get("auth0|1")?.identities).toHaveLength(1);
  });

  test("to or with nobody is refused, and not as a failure of Auth0", async ({ auth0 }) => {
    auth0.place({ email: ada.email, subject: "auth0|1" });
    const provider = open(auth0);
    const pairs: [string, string][] = [
      ["auth0|1", "github|nobody"],
      ["auth0|nobody", "auth0|1"],
      ...foreign.map((subject): [string, string] => ["auth0|1", subject]),
      ...foreign.map((subject): [string, string] => [subject, "auth0|1"]),
    ];
    for (const pair of pairs)
      expect((await failureOf(provider.link(...pair))).code).toBe("conflict");
    expect(auth0.users.get("auth0|1")?.identities).toHaveLength(1);
  });

  test("is not done when Auth0 says so and shows otherwise", async ({ auth0 }) => {
    auth0.place({ email: ada.email, subject: "auth0|1" });
    auth0.place({ email: "ada@home.test", subject: "github|2" });
    auth0.misbehave({ with: "linkIdentity", reply: { status: 201, body: [] } });
    expect((await failureOf(open(auth0).link("auth0|1", "github|2"))).code).toBe("conflict");
  });
});

describe("a deployment that does not manage its provider", () => {
  test("invites without a link and says of the rest that it is off", async () => {
    const provider = unmanaged();
    expect(provider.kind).toBe("none");
    expect(await provider.invite(ada)).toBeNull();
    for (const work of [provider.setBlocked("auth0|1", true), provider.link("auth0|1", "auth0|2")])
      expect((await failureOf(work)).code).toBe("identity_management_off");
  });
});
