import { expect, test } from "vitest";
import { type Cursor, decodeCursor, encodeCursor } from "./cursor.ts";
import { ApiError } from "./error.ts";

const list = "users of tnt_1 name asc";

test.each<Omit<Cursor, "list">>([
  { page: 2, value: 1_700_000_000_000, id: "usr_1" },
  { page: 3, value: 'Ångström, 漢字, 😀 "quoted" \\ %_\'', id: "usr_2" },
  { page: 2, value: "", id: 17 },
  { page: 2, value: "\ufeffbegins with a byte order mark", id: 17 },
  { page: 9, value: null, id: "x" },
])("a cursor comes back as it went out, and is safe in a URL: %j", (place) => {
  const text = encodeCursor({ list, ...place });
  expect(text).toMatch(/^[\w-]+$/);
  expect(decodeCursor(text, list)).toEqual({ list, ...place });
});

const forge = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

test.each([
  ["nothing", ""],
  ["no base64", "%%%"],
  ["no JSON", Buffer.from("hello").toString("base64url")],
  ["bytes that are no UTF-8", Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]).toString("base64url")],
  ["an object", forge({ list, page: 2, value: 1, id: "a" })],
  ["too few parts", forge([list, 2, 1])],
  ["too many parts", forge([list, 2, 1, "a", "b"])],
  ["a fraction for a page", forge([list, 1.5, 1, "a"])],
  ["a page before the first", forge([list, 0, 1, "a"])],
  ["a page no list has", forge([list, 2 ** 52, 1, "a"])],
  ["an object for a value", forge([list, 2, { $gt: 0 }, "a"])],
  ["an array for an id", forge([list, 2, 1, ["a"]])],
  ["null for an id", forge([list, 2, 1, null])],
  ["a number beyond the safe ones", forge([list, 2, 2 ** 60, "a"])],
  ["a lone surrogate for a value", forge([list, 2, "\ud800", "a"])],
  ["NUL in an id", forge([list, 2, 1, "a\u0000"])],
  ["another list", forge(["users of tnt_2 name asc", 2, 1, "a"])],
  ["another order of the same list", forge(["users of tnt_1 name desc", 2, 1, "a"])],
])("a forged cursor that holds %s opens nothing", (_, text) => {
  const attempt = () => decodeCursor(text, list);
  expect(attempt).toThrow(ApiError);
  expect(attempt).toThrow(
    expect.objectContaining({
      code: "invalid_request",
      errors: [{ in: "query", path: "cursor", message: "does not belong to this list" }],
    }),
  );
});
