import { expect, test } from "vitest";
import { oldestCodeOf } from "../../db/migrate.ts";
import { advance, bearable, waveSizes } from "./waves.ts";

test.each([
  [1000, 3, [3, 10, 100, 887]],
  [3, 3, [3, 0, 0, 0]],
  [5, 0, [0, 1, 1, 3]],
  [0, 0, [0, 0, 0, 0]],
])("waves over %i tenants with %i canaries are %j, and miss nobody", (total, canaries, sizes) => {
  expect(waveSizes(total, canaries)).toEqual(sizes);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(total);
});

test("a share of a small wave bears no failure at all", () => {
  expect(bearable({ percent: 5 }, 3)).toBe(0);
  expect(bearable({ percent: 5 }, 100)).toBe(5);
  expect(bearable({ percent: 100 }, 7)).toBe(7);
  expect(bearable({ failures: 2 }, 3)).toBe(2);
});

const run = {
  total: 100,
  options: { only: null, canaries: ["a", "b"], haltAfter: { failures: 1 } },
  wave: 0,
  waveTried: 0,
  waveFailed: 0,
};

test("a wave ends when its room is taken, and halts only above what it may bear", () => {
  expect(advance(run, 1, 1)).toEqual({ status: "running", wave: 0, waveTried: 1, waveFailed: 1 });
  expect(advance(run, 2, 1)).toEqual({ status: "running", wave: 1, waveTried: 0, waveFailed: 0 });
  expect(advance(run, 2, 2)).toMatchObject({ status: "halted", wave: 0, waveFailed: 2 });
  const last = { ...run, wave: 3, waveTried: 5000 };
  expect(advance(last, 48, 0)).toMatchObject({ status: "running", wave: 3 });
});

test("the oldest code a database allows is raised by what takes away, and never lowered", () => {
  const migration = { tag: "", when: 1, hash: "", statements: [] };
  expect(oldestCodeOf([migration])).toBe(0);
  const contract = (oldestCode: number) => ({ ...migration, contract: true as const, oldestCode });
  expect(oldestCodeOf([migration, contract(3), migration, contract(2)])).toBe(3);
});
