import { expect, test } from "vitest";
import { type AccountRole, accountRoles, type LadderRole, roleName, rolesFrom } from "./roles.ts";

const held = ["ADMIN", "MANAGER", "EDITOR", "AUTHOR", "VIEWER", "BILLING", "ANALYTICS"] as const;

/** Row: what is demanded. Column: what is held, in the order of `held`. */
const ladder: Record<LadderRole, string> = {
  ADMIN: "x......",
  MANAGER: "xx.....",
  EDITOR: "xxx....",
  AUTHOR: "xxxx...",
  VIEWER: "xxxxx..",
};

const namesOf = (row: string) => held.filter((_, i) => row[i] === "x");

test("there are seven account roles, strongest first", () => {
  expect(accountRoles).toEqual(held);
});

test.each(Object.entries(ladder))(
  "at least %s admits its own rung and every one above, and no role beside the ladder",
  (minimum, row) => {
    expect(rolesFrom(minimum as LadderRole)).toEqual(namesOf(row));
  },
);

/** What each role adds when it is admitted by name beside ADMIN: itself, and never its neighbours. */
const beside: Record<AccountRole, string> = {
  ADMIN: "x......",
  MANAGER: "xx.....",
  EDITOR: "x.x....",
  AUTHOR: "x..x...",
  VIEWER: "x...x..",
  BILLING: "x....x.",
  ANALYTICS: "x.....x",
};

test.each(Object.entries(beside))("a role admitted by name is admitted alone: %s", (name, row) => {
  expect(rolesFrom("ADMIN", [name as AccountRole])).toEqual(namesOf(row));
});

test("additional roles widen every minimum by exactly themselves", () => {
  for (const [minimum, row] of Object.entries(ladder))
    for (const [i, additional] of held.entries()) {
      const widened = `${row.slice(0, i)}x${row.slice(i + 1)}`;
      expect(rolesFrom(minimum as LadderRole, [additional]), `${minimum} + ${additional}`).toEqual(
        namesOf(widened),
      );
    }
  expect(rolesFrom("EDITOR", ["ANALYTICS", "BILLING"])).toEqual(namesOf("xxx..xx"));
});

test("every role has a name for people", () => {
  expect(held.map(roleName)).toEqual([
    "Admin",
    "Manager",
    "Editor",
    "Author",
    "Viewer",
    "Billing",
    "Analytics",
  ]);
});
