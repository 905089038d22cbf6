import { expect, test } from "vitest";
import { mismatches } from "../testing/json-schema.ts";
import { sample } from "../testing/sample.ts";
import { jsonObject, maxJsonBytes } from "./json.ts";

const schema = jsonObject();
const faultsOf = (value: unknown) =>
  schema.safeParse(value).error?.issues.map(({ path, message }) => [path, message]) ?? [];
/** As it comes off the wire, where `__proto__` is a key like any other. */
const parsed = (json: string): unknown => JSON.parse(json);

test("what JSON can say comes through as it is", () => {
  const value = {
    "": "",
    text: '漢字 👩\u200d👧 "quoted" \\',
    numbers: [0, -1.5, 1e300],
    nothing: null,
    flags: { on: true, off: false },
  };
  expect(schema.parse(value)).toBe(value);
  expect(schema.parse({})).toEqual({});
});

test.each([
  ["a list", []],
  ["null", null],
  ["a text", "{}"],
  ["a number", 7],
  ["nothing", undefined],
  ["a date", new Date()],
  ["a map", new Map()],
])("%s is no JSON object", (_, value) => {
  expect(faultsOf(value)).toEqual([[[], "must be an object"]]);
});

test.each([
  ["a function", { a: () => 1 }],
  ["a date", { a: [new Date()] }],
  ["a big integer", { a: 1n }],
  ["undefined", { a: undefined }],
])("an object that holds %s is no JSON", (_, value) => {
  expect(faultsOf(value)).toEqual([[[], "holds what is not JSON"]]);
});

test.each(["__proto__", "constructor", "prototype"])(
  "the key %s is refused at any depth",
  (key) => {
    const inner = `{"${key}":{"admin":true}}`;
    for (const json of [inner, `{"a":${inner}}`, `{"a":[1,{"b":[${inner}]}]}`])
      expect(faultsOf(parsed(json))).toEqual([[[], `must not hold the key ${key}`]]);
    expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
    expect(faultsOf({ a: key })).toEqual([]);
  },
);

test.each([
  ["NUL", "a\u0000"],
  ["a line break", "a\nb"],
  ["an escape sequence", "\u001b[31m"],
  ["half an emoji", "\ud83d"],
  ["a right-to-left override", "a\u202eb"],
])("%s is refused in a text and in a key", (_, text) => {
  for (const value of [{ a: text }, { a: [text] }, { [text]: 1 }, { a: { [text]: 1 } }])
    expect(faultsOf(value)).toEqual([[[], "holds control characters"]]);
});

test("a number that JSON can write and no double can hold is refused", () => {
  expect(faultsOf(parsed('{"a":1e999}'))).toEqual([[[], "holds no such number"]]);
});

const nested = (levels: number, [open, close] = ['{"a":', "}"] as [string, string]) =>
  parsed(`{"a":${open.repeat(levels - 1)}1${close.repeat(levels - 1)}}`);

test("five levels are enough, and a sixth is refused, however many follow", () => {
  expect(faultsOf(nested(5))).toEqual([]);
  expect(faultsOf(nested(5, ["[", "]"]))).toEqual([]);
  for (const levels of [6, 7, 5000])
    for (const kind of [undefined, ["[", "]"] as [string, string]])
      expect(faultsOf(nested(levels, kind))).toEqual([[[], "is nested more than 5 deep"]]);
});

test("the size is that of the text in bytes, to the byte", () => {
  const around = '{"a":""}'.length;
  expect(faultsOf({ a: "x".repeat(maxJsonBytes - around) })).toEqual([]);
  expect(faultsOf({ a: "x".repeat(maxJsonBytes - around + 1) })).toEqual([
    [[], "holds more than 8192 bytes"],
  ]);
  const small = jsonObject(around + 3);
  expect(small.safeParse({ a: "漢" }).success).toBe(true);
  expect(small.safeParse({ a: "漢x" }).success).toBe(false);
});

test("the document's schema of it is one the tests can fill and check", () => {
  const documented = { type: "object", additionalProperties: true };
  expect(sample({}, documented)).toEqual({});
  expect(mismatches({}, documented, { any: { thing: [1] } })).toEqual([]);
  expect(mismatches({}, documented, [])).not.toEqual([]);
});
