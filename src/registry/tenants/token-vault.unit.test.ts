import { randomBytes } from "node:crypto";
import { format, inspect } from "node:util";
import { decodeProtectedHeader } from "jose";
import { expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";
import { openToken, sealToken } from "./token-vault.ts";

const newKey = (kid: string) => ({ kid, key: new Secret(randomBytes(32).toString("base64url")) });
const [older, newer] = [newKey("k1"), newKey("k2")];
const token = new Secret("the-token-of-a-database");
const unreadable = { code: "tenant_credentials_unreadable", status: 500 };

test("what is sealed opens again for its own tenant, and shows nothing of the token", async () => {
  const sealed = await sealToken([older], "tnt_a", token);
  expect((await openToken([older], "tnt_a", sealed)).reveal()).toBe("the-token-of-a-database");
  expect(decodeProtectedHeader(sealed)).toEqual({
    alg: "dir",
    enc: "A256GCM",
    kid: "k1",
    tenant: "tnt_a",
  });
  const plain = sealed.split(".").map((part) => Buffer.from(part, "base64url").toString("latin1"));
  expect(plain.join()).not.toContain("the-token-of-a-database");
});

test("the same token is never sealed the same way twice", async () => {
  const sealed = await Promise.all(
    Array.from({ length: 20 }, () => sealToken([older], "tnt_a", token)),
  );
  expect(new Set(sealed).size).toBe(20);
});

test("a token copied into another tenant's row does not open", async () => {
  const sealed = await sealToken([older], "tnt_a", token);
  await expect(openToken([older], "tnt_b", sealed)).rejects.toMatchObject(unreadable);
});

test("a header that claims another tenant does not open", async () => {
  const [, ...rest] = (await sealToken([older], "tnt_a", token)).split(".");
  const header = { alg: "dir", enc: "A256GCM", kid: "k1", tenant: "tnt_b" };
  const forged = [Buffer.from(JSON.stringify(header)).toString("base64url"), ...rest].join(".");
  await expect(openToken([older], "tnt_b", forged)).rejects.toMatchObject(unreadable);
});

test("the wrong key and an unknown key id do not open it", async () => {
  const sealed = await sealToken([older], "tnt_a", token);
  const impostor = { kid: "k1", key: newer.key };
  await expect(openToken([impostor], "tnt_a", sealed)).rejects.toMatchObject(unreadable);
  await expect(openToken([newer], "tnt_a", sealed)).rejects.toMatchObject(unreadable);
  await expect(openToken([], "tnt_a", sealed)).rejects.toMatchObject(unreadable);
});

test("after a rotation the new key seals, and what the old one sealed still opens", async () => {
  const before = await sealToken([older], "tnt_a", token);
  const ring = [newer, older];
  const after = await sealToken(ring, "tnt_a", token);
  expect(decodeProtectedHeader(after).kid).toBe("k2");
  expect((await openToken(ring, "tnt_a", before)).reveal()).toBe(token.reveal());
  expect((await openToken(ring, "tnt_a", after)).reveal()).toBe(token.reveal());
  expect((await openToken([newer], "tnt_a", after)).reveal()).toBe(token.reveal());
});

test("every single altered character is noticed", async () => {
  const sealed = await sealToken([older], "tnt_a", token);
  const swap = (at: number) => {
    const other = sealed[at] === "A" ? "B" : "A";
    return sealed.slice(0, at) + other + sealed.slice(at + 1);
  };
  // The last character of a part may carry bits that base64url ignores.
  const ends = [...sealed].flatMap((_, at) => (/^(\.|$)/.test(sealed.slice(at + 1)) ? [at] : []));
  const places = [...sealed].map((_, at) => at).filter((at) => sealed[at] !== ".");
  for (const at of places.filter((place) => !ends.includes(place)))
    await expect(openToken([older], "tnt_a", swap(at)), `at ${at}`).rejects.toMatchObject(
      unreadable,
    );
});

test("nothing but a sealed token opens: not the bare token, not an unencrypted or foreign one", async () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const hostile = [
    "",
    "the-token-of-a-database",
    `${part({ alg: "none" })}.${part({ p: 1 })}.`,
    `${part({ alg: "dir", enc: "A128CBC-HS256", kid: "k1", tenant: "tnt_a" })}..AAAA.AAAA.AAAA`,
    `${part({ alg: "RSA-OAEP", enc: "A256GCM", kid: "k1", tenant: "tnt_a" })}.AA.AAAA.AAAA.AAAA`,
  ];
  for (const sealed of hostile)
    await expect(openToken([older], "tnt_a", sealed)).rejects.toMatchObject(unreadable);
});

test("a ring without a key seals nothing", async () => {
  await expect(sealToken([], "tnt_a", token)).rejects.toMatchObject({ code: "config_invalid" });
});

test("the answer to an unreadable token says nothing of keys or tenants", async () => {
  const failure = await openToken([newer], "tnt_a", await sealToken([older], "tnt_a", token)).catch(
    (error: Error) => error.message,
  );
  expect(failure).toBe("Quote the request id when you report this");
});

test("a secret prints as [redacted] or not at all, however it is printed", () => {
  const printed = [
    JSON.stringify({ token }),
    `${token}`,
    String(token),
    format("%s %o %O %j", token, token, token, token),
    inspect({ token }, { depth: 9, showHidden: true }),
    Object.entries(token).join(),
    new Error("it failed", { cause: token }).toString(),
    inspect(new Error("it failed", { cause: token })),
  ];
  for (const text of printed) expect(text).not.toContain("the-token");
  expect(printed[0]).toBe('{"token":"[redacted]"}');
  expect(printed[1]).toBe("[redacted]");
});
