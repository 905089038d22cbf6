import { expect, test } from "vitest";
import type { Problem } from "../../http/problem.ts";
import { type Member, newTenant, type Person, type TestTenant } from "../../testing/harness.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { placeUsers } from "../../testing/rows.ts";

type Caller = Pick<Person, "call">;
const path = "/api/v1/tenant/members";
const headers = { "if-match": "*" };
const leave = ({ call }: Caller) => call<Problem>(`${path}/me`, { method: "DELETE" });
const remove = ({ call }: Caller, { userId }: Member) =>
  call<Problem>(`${path}/${userId}`, { method: "DELETE", headers });
const give = ({ call }: Caller, { userId }: Member, tenantRole: string) =>
  call<Problem>(`${path}/${userId}`, { method: "PATCH", headers, body: { tenantRole } });
const outcome = ({ status, body }: { status: number; body: Problem }) =>
  body.code ? `${status} ${body.code}` : `${status}`;

const ownersOf = ({ db }: TestTenant) =>
  rowsOf<{ id: string }>(
    db,
    "select id from users where tenant_role = 'owner' and status = 'active' and deleted_at is null",
  );

test("the last active owner neither leaves, nor is removed, nor made less, be there others who cannot sign in", async () => {
  const solo = await newTenant();
  await placeUsers(solo.db, [
    { tenantRole: "owner", status: "suspended" },
    { tenantRole: "owner", status: "pending" },
    { tenantRole: "owner", status: "active", deletedAt: 1 },
    { tenantRole: "admin", status: "active" },
  ]);
  const { owner } = solo;
  expect(outcome(await leave(owner))).toBe("409 last_owner");
  expect(outcome(await remove(owner, owner))).toBe("409 last_owner");
  for (const role of ["admin", "member"])
    expect(outcome(await give(owner, owner, role))).toBe("409 last_owner");
  expect(outcome(await give(owner, owner, "owner"))).toBe("200");
  expect(await ownersOf(solo)).toEqual([{ id: owner.userId }]);
});

test("an owner whom nobody can sign in as is no other owner", async () => {
  const acme = await newTenant();
  await placeUsers(acme.db, [{ tenantRole: "owner", status: "active" }]);
  expect(outcome(await leave(acme.owner))).toBe("409 last_owner");
});

test("an owner goes once there is another", async () => {
  const acme = await newTenant();
  const heir = await acme.member();
  expect(outcome(await give(acme.owner, heir, "owner"))).toBe("200");
  expect(outcome(await leave(acme.owner))).toBe("204");
  expect(outcome(await leave(heir))).toBe("409 last_owner");
  expect(await ownersOf(acme)).toEqual([{ id: heir.userId }]);
});

type Act = (self: Member, other: Member) => Promise<{ status: number; body: Problem }>;
const leaves: Act = (self) => leave(self);
const removesSelf: Act = (self) => remove(self, self);
const demotesSelf: Act = (self) => give(self, self, "member");
const removes: Act = (self, other) => remove(self, other);
const demotes: Act = (self, other) => give(self, other, "admin");

test.each<[string, Act, Act, string[]]>([
  ["who both leave", leaves, leaves, ["409 last_owner"]],
  ["who both remove themselves", removesSelf, removesSelf, ["409 last_owner"]],
  ["who both make themselves members", demotesSelf, demotesSelf, ["409 last_owner"]],
  ["one of whom leaves while the other steps down", leaves, demotesSelf, ["409 last_owner"]],
  ["who demote each other", demotes, demotes, ["403 forbidden"]],
  ["who remove each other", removes, removes, ["403 tenant_forbidden"]],
  [
    "one of whom removes while the other demotes",
    removes,
    demotes,
    ["403 forbidden", "403 tenant_forbidden"],
  ],
])("of two owners %s at once, one always stays", async (_, first, second, lost) => {
  const acme = await newTenant();
  const other = await acme.member({ tenantRole: "owner" });
  const { owner } = acme;
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all([first(owner, other), second(other, owner)]);
    const outcomes = answers.map(outcome).sort();
    expect(outcomes[0]).toMatch(/^20[04]$/);
    expect(lost).toContain(outcomes[1]);
    expect(await ownersOf(acme)).toHaveLength(1);
    await execute(
      acme.db,
      "update users set tenant_role = 'owner', deleted_at = null, deleted_by = null",
    );
  }
});

test("of twenty owners who all leave at once, nineteen do", async () => {
  const acme = await newTenant();
  const others = await Promise.all(
    Array.from({ length: 19 }, () => acme.member({ tenantRole: "owner" })),
  );
  const answers = await Promise.all([acme.owner, ...others].map(leave));
  expect(answers.map(outcome).sort()).toEqual([...Array<string>(19).fill("204"), "409 last_owner"]);
  expect(await ownersOf(acme)).toHaveLength(1);
});
