import { expect, test } from "vitest";
import { oncePer } from "./recently.ts";

test("a thing is new once in its time, each thing for itself", () => {
  const isNew = oncePer(1000);
  expect([isNew("a", 0), isNew("a", 0), isNew("a", 999)]).toEqual([true, false, false]);
  expect(isNew("b", 999)).toBe(true);
  expect([isNew("a", 1000), isNew("a", 1999), isNew("a", 2000)]).toEqual([true, false, true]);
});

test("it remembers so many and no more, and forgets the oldest first", () => {
  const isNew = oncePer(1000);
  for (let i = 0; i <= 5000; i++) expect(isNew(`${i}`, 0)).toBe(true);
  expect(isNew("5000", 1)).toBe(false);
  expect(isNew("2", 1)).toBe(false);
  expect(isNew("0", 1)).toBe(true);
});
