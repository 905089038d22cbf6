import { expect, test } from "vitest";
import {
  type BearerKind,
  bearerHint,
  newSecretBytes,
  readBearer,
  writeBearer,
} from "./bearer-secret.ts";
import { newId } from "./id.ts";
import { createSigners, sha256 } from "./mac.ts";
import { Secret } from "./secret.ts";

const keyOf = (fill: number) => new Secret(Buffer.alloc(32, fill).toString("base64url"));
const ring = (...fills: number[]) =>
  createSigners(fills.map((fill) => ({ kid: `k${fill}`, key: keyOf(fill) })))("bearer");
const tenantId = newId("tenant");
const write = async (kind: BearerKind = "key", fill = 1) =>
  writeBearer(kind, tenantId, newSecretBytes(), (await ring(fill))[0]);

test("what was written is read: its tenant, and the digest of the whole text", async () => {
  const text = await write();
  expect(await readBearer("key", text, await ring(1))).toEqual({
    tenantId,
    hash: await sha256(text),
  });
});

test("no two are alike, and the hint gives nothing away", async () => {
  const texts = await Promise.all(Array.from({ length: 50 }, () => write()));
  expect(new Set(texts).size).toBe(50);
  const [text = ""] = texts;
  expect(text.startsWith(bearerHint(text))).toBe(true);
  expect(text.length - bearerHint(text).length).toBe(48);
});

test("every single character counts", async () => {
  const text = await write();
  const signers = await ring(1);
  for (let at = 0; at < text.length; at++) {
    const other = text[at] === "a" ? "b" : "a";
    const spoiled = text.slice(0, at) + other + text.slice(at + 1);
    expect(await readBearer("key", spoiled, signers), spoiled).toBeUndefined();
  }
});

test("one kind is not read as another, nor by another's key", async () => {
  const text = await write("invitation");
  expect(await readBearer("key", text, await ring(1))).toBeUndefined();
  expect(await readBearer("key", text.replace("inv", "live"), await ring(1))).toBeUndefined();
  expect(await readBearer("invitation", text, await ring(2))).toBeUndefined();
});

test("an older key of the ring still reads, and one that is gone does not", async () => {
  const text = await write("key", 1);
  expect(await readBearer("key", text, await ring(2, 1))).toBeDefined();
  expect(await readBearer("key", text, await ring(2, 3))).toBeUndefined();
});

test.each([
  "",
  "tnt_live_",
  "tnt_live_x_y",
  `tnt_live_${"0".repeat(32)}_${"A".repeat(54)}`,
  "a.b.c",
])("%j was never written", async (text) => {
  expect(await readBearer("key", text, await ring(1))).toBeUndefined();
});
