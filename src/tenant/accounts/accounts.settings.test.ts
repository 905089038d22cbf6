import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../http/problem.ts";
import { newTenant, type Person, type TestTenant } from "../../testing/harness.ts";
import { placeAccount } from "../../testing/rows.ts";
import type { Account } from "./accounts.schema.ts";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

const at = (id: string) => `/api/v1/accounts/${id}`;
const patch = <T = Account>(
  { call }: Pick<Person, "call">,
  id: string,
  body: unknown,
  headers: Record<string, string> = {},
) => call<T>(at(id), { method: "PATCH", body, headers });
const get = async (id: string) => (await acme.owner.call<Account>(at(id))).body;
const place = (row: Parameters<typeof placeAccount>[2] = {}) =>
  placeAccount(acme.db, randomUUID(), row);
const ask = async (...args: Parameters<typeof patch>) => {
  const { status, body } = await patch<Problem>(...args);
  return body.code ? `${status} ${body.code}` : `${status}`;
};
const any = { "if-match": "*" };

test("settings are changed only by who says what they read: 428 without If-Match", async () => {
  const id = await place();
  const settings = { a: 1 };
  expect(await ask(acme.owner, id, { settings })).toBe("428 precondition_required");
  expect(await ask(acme.owner, id, { name: randomUUID(), settings: {} })).toBe(
    "428 precondition_required",
  );
  expect(await get(id)).toMatchObject({ settings: {}, version: 1 });
  const stale = { "if-match": `"${acme.id}.7"` };
  expect(await ask(acme.owner, id, { settings }, stale)).toBe("412 precondition_failed");
  const { headers } = await acme.owner.call(at(id));
  const fresh = { "if-match": headers["etag"] ?? "" };
  expect(await ask(acme.owner, id, { settings }, fresh)).toBe("200");
  expect(await get(id)).toMatchObject({ settings, version: 2 });
});

test("who may not change accounts at all is told that, and not that If-Match is missing", async () => {
  const viewer = await acme.member({ accountRole: "VIEWER" });
  expect(await ask(viewer, acme.accountId, { settings: {} })).toBe("403 forbidden");
});

test("settings merge as RFC 7396 says: fields are added, replaced and, by null, removed", async () => {
  const steps: [Account["settings"], Account["settings"]][] = [
    [
      { a: 1, b: { c: 2, d: [1, 2] } },
      { a: 1, b: { c: 2, d: [1, 2] } },
    ],
    [{ b: { d: [3] } }, { a: 1, b: { c: 2, d: [3] } }],
    [{ a: null, b: { c: null, e: "漢字 😀 \"'" } }, { b: { d: [3], e: "漢字 😀 \"'" } }],
    [{ none: null }, { b: { d: [3], e: "漢字 😀 \"'" } }],
    [{ b: "text" }, { b: "text" }],
    [{ b: { deep: { gone: null, kept: false } } }, { b: { deep: { kept: false } } }],
    [{ b: [null, { x: null }] }, { b: [null, { x: null }] }],
    [{}, { b: [null, { x: null }] }],
    [
      { "b.c": 1, "": 2, "$[0]": 3 },
      { b: [null, { x: null }], "b.c": 1, "": 2, "$[0]": 3 },
    ],
  ];
  const id = await place();
  for (const [settings, expected] of steps) {
    const { status, body } = await patch(acme.owner, id, { settings }, any);
    expect([status, body.settings]).toEqual([200, expected]);
    expect((await get(id)).settings).toEqual(expected);
  }
});

test("two who change different settings at once both succeed, and neither undoes the other", async () => {
  const id = await place();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => ask(acme.owner, id, { settings: { [`k${i}`]: i } }, any)),
  );
  expect(answers).toEqual(Array(20).fill("200"));
  const expected = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i]));
  expect(await get(id)).toMatchObject({ settings: expected, version: 21 });
});

test("settings never grow beyond 8 KB by merging, to the byte, and what is refused changes nothing", async () => {
  const id = await place();
  const around = '{"a":"","b":"漢"}'.length + 2;
  const merge = (settings: object) =>
    patch<Account & Problem>(acme.owner, id, { name: randomUUID(), settings }, any);
  expect((await merge({ a: "x".repeat(8192 - around) })).status).toBe(200);
  expect((await merge({ b: "漢" })).status).toBe(200);
  const before = await get(id);
  for (const more of [{ b: "漢x" }, { c: 1 }]) {
    const { status, body } = await merge(more);
    expect([status, body.code, body.errors]).toEqual([
      400,
      "invalid_request",
      [{ in: "body", path: "settings", message: "would hold more than 8192 bytes" }],
    ]);
  }
  expect(await get(id)).toEqual(before);
  expect((await merge({ a: null, c: 1 })).body.settings).toEqual({ b: "漢", c: 1 });
});

test.each<[string, string]>([
  ["a prototype", '{"__proto__":{"polluted":true}}'],
  ["a prototype within", '{"a":[{"__proto__":null}]}'],
  ["a constructor", '{"a":{"constructor":{"prototype":{"polluted":true}}}}'],
  ["NUL", '{"a":"\\u0000"}'],
  ["half an emoji", '{"\\ud83d":1}'],
  ["six levels", '{"a":{"b":{"c":{"d":{"e":{}}}}}}'],
  ["a list", "[]"],
  ["null", "null"],
  ["more than 8 KB", `{"a":"${"x".repeat(8200)}"}`],
])("settings that hold %s are refused, and none of them reaches the row", async (_, json) => {
  const id = await place({ settings: { kept: 1 } });
  const { status, body } = await patch<Problem>(acme.owner, id, `{"settings":${json}}`, any);
  expect([status, body.errors?.map((error) => [error.in, error.path])]).toEqual([
    400,
    [["body", "settings"]],
  ]);
  expect(await get(id)).toMatchObject({ settings: { kept: 1 }, version: 1 });
});
