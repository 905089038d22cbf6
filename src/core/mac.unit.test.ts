import { createHash, createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { createSigners, fromBase64Url, hex, isEqual, sha256, toBase64Url } from "./mac.ts";
import { Secret } from "./secret.ts";

const raw = Buffer.alloc(32, 7);
const ring = [{ kid: "k1", key: new Secret(raw.toString("base64url")) }];

test("a signature is HMAC-SHA-256 over purpose and text", async () => {
  const [signer] = await createSigners(ring)("purpose");
  const expected = createHmac("sha256", raw).update("purpose\ntext").digest("hex");
  expect(hex(await signer.sign("text"))).toBe(expected);
});

test("what is signed for one purpose is worth nothing for another", async () => {
  const signers = createSigners(ring);
  const [[one], [two]] = [await signers("one"), await signers("two")];
  expect(hex(await one.sign("x"))).not.toBe(hex(await two.sign("x")));
});

test("keys with and without padding are the same key", async () => {
  const padded = [{ kid: "k1", key: new Secret(`${raw.toString("base64url")}=`) }];
  const [[one], [two]] = [await createSigners(ring)("p"), await createSigners(padded)("p")];
  expect(hex(await one.sign("x"))).toBe(hex(await two.sign("x")));
});

test("a digest is SHA-256 in hexadecimal", async () => {
  expect(await sha256("ä")).toBe(createHash("sha256").update("ä").digest("hex"));
});

test("bytes survive base64url, and what is none is told", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
  expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
  for (const text of ["a+b", "a/b", "a=", "ä", "a"]) expect(fromBase64Url(text)).toBeUndefined();
});

test("bytes are equal when every one is", () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  expect(isEqual(bytes(1, 2), bytes(1, 2))).toBe(true);
  expect(isEqual(bytes(), bytes())).toBe(true);
  for (const other of [bytes(1), bytes(1, 3), bytes(0, 2), bytes(1, 2, 0)])
    expect(isEqual(bytes(1, 2), other)).toBe(false);
});
