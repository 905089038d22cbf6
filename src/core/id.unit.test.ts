import { expect, test } from "vitest";
import { isId, newId, uuidv7 } from "./id.ts";
import { slugPattern } from "./slug.ts";

const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("an id is a UUID of version 7 and of the RFC's variant, and never comes twice", () => {
  const ids = Array.from({ length: 2000 }, () => uuidv7());
  for (const id of ids) expect(id).toMatch(shape);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(ids.map((id) => id[19]))).toEqual(new Set(["8", "9", "a", "b"]));
});

test("ids carry their moment to the millisecond, so they sort by age", () => {
  const moments = [0, 1, 255, 256, 1_700_000_000_000, 1_700_000_000_001, 2 ** 47, 2 ** 48 - 1];
  const ids = moments.map((at) => uuidv7(at));
  expect([...ids].reverse().sort()).toEqual(ids);
  expect(ids.map((id) => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16))).toEqual(
    moments,
  );
});

test("an id names its kind, passes for no other kind and never for a slug", () => {
  const kinds = { tenant: "tnt_", user: "usr_", account: "acc_", operation: "opr_" } as const;
  for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) {
    const id = newId(kind);
    expect(id.startsWith(kinds[kind])).toBe(true);
    expect(id).not.toMatch(slugPattern);
    for (const other of Object.keys(kinds) as (keyof typeof kinds)[])
      expect(isId(other, id), `${id} as ${other}`).toBe(other === kind);
  }
});

test.each([
  "",
  "usr_",
  uuidv7(),
  `usr_${uuidv7()} `,
  `usr_${uuidv7()}\n`,
  ` usr_${uuidv7()}`,
  `usr_${uuidv7().toUpperCase()}`,
  `USR_${uuidv7()}`,
  "usr_019aa3f0-6f1e-4c3a-9d55-0c2f6a1b4e7d",
  "usr_019aa3f0-6f1e-7c3a-cd55-0c2f6a1b4e7d",
  "usr_019aa3f06f1e7c3a9d550c2f6a1b4e7d",
  "usr_../../019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d",
])("%j is not the id of a user", (text) => {
  expect(isId("user", text)).toBe(false);
});
