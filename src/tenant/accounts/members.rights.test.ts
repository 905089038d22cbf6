import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { type Permission, permissionsOf, rolesThatGrant } from "../../core/permissions.ts";
import { type AccountRole, accountRoles } from "../../core/roles.ts";
import { batch } from "../../db/batch.ts";
import type { Problem } from "../../http/problem.ts";
import { type Member, newTenant, type Person, type TestTenant } from "../../testing/harness.ts";
import { keyOf } from "../../testing/keys.ts";
import { newOperator } from "../../testing/operators.ts";
import { placeAccount, placeInAccount, placeUsers } from "../../testing/rows.ts";
import { accountMembers } from "./accounts.table.ts";

let acme: TestTenant;
let elsewhere: string;
let pool: string;
const holders = new Map<AccountRole, Member>();
beforeAll(async () => {
  acme = await newTenant();
  pool = await placeAccount(acme.db, randomUUID());
  elsewhere = await placeAccount(acme.db, "Elsewhere");
  for (const role of accountRoles) holders.set(role, await acme.member({ accountRole: role }));
});

type Caller = Pick<Person, "call">;
const at = (account: string, user?: string) =>
  `/api/v1/accounts/${account}/members${user ? `/${user}` : ""}`;
const headers = { "if-match": "*" };

const answerOf = async (
  { call }: Caller,
  method: string,
  path: string,
  body?: object,
): Promise<string> => {
  const answer = await call<Problem>(path, { method, headers, ...(body && { body }) });
  return answer.body.code ? `${answer.status} ${answer.body.code}` : `${answer.status}`;
};
const add = (who: Caller, userId: string, role: AccountRole, account = acme.accountId) =>
  answerOf(who, "POST", at(account), { userId, role });
const change = (who: Caller, userId: string, role: AccountRole, account = acme.accountId) =>
  answerOf(who, "PATCH", at(account, userId), { role });
const remove = (who: Caller, userId: string, account = acme.accountId) =>
  answerOf(who, "DELETE", at(account, userId));

async function newMembers(roles: readonly AccountRole[], accountId = acme.accountId) {
  const ids = await placeUsers(
    acme.db,
    roles.map(() => ({})),
  );
  const seats = roles.map((role, i) => ({ accountId, userId: ids[i] ?? "", role, createdAt: i }));
  await batch(acme.db, "write", [acme.db.insert(accountMembers).values(seats)]);
  return ids;
}
const newMember = async (role: AccountRole, account?: string) =>
  (await newMembers([role], account))[0] ?? "";
/** Somebody of another account: who is in none is for those who rule the tenant to place. */
const newUser = () => newMember("VIEWER", pool);
const roleOf = async (userId: string) => {
  const { body } = await acme.owner.call<{ role: AccountRole }>(at(acme.accountId, userId));
  return body.role;
};

const managers = accountRoles.filter((role) => permissionsOf[role].includes("MANAGE_TEAM_USERS"));
const mayDo = (by: AccountRole, ...roles: AccountRole[]) =>
  managers.includes(by) && roles.every((role) => rolesThatGrant(role).includes(by));

test("the table that follows has both answers in it", () => {
  expect(managers).toEqual(["ADMIN", "MANAGER"]);
  expect(accountRoles.filter((role) => mayDo("MANAGER", role))).toEqual([
    "MANAGER",
    "EDITOR",
    "AUTHOR",
    "VIEWER",
    "ANALYTICS",
  ]);
  expect(accountRoles.filter((role) => mayDo("ADMIN", role))).toEqual([...accountRoles]);
});

const refused = "403 forbidden";
const table = accountRoles.flatMap((by) => accountRoles.map((role) => [by, role] as const));

test.each(table)("%s takes in and takes out %s only as high as they stand", async (by, role) => {
  const caller = holders.get(by) as Member;
  const fine = mayDo(by, role);
  expect(await add(caller, await newUser(), role)).toBe(fine ? "201" : refused);
  const member = await newMember(role);
  expect(await remove(caller, member)).toBe(fine ? "204" : refused);
  expect(await roleOf(member)).toBe(fine ? undefined : role);
});

test.each(table)("%s makes of %s nothing that either stands higher", async (by, role) => {
  const caller = holders.get(by) as Member;
  const members = await newMembers(accountRoles.map(() => role));
  for (const [i, next] of accountRoles.entries()) {
    const member = members[i] ?? "";
    const fine = mayDo(by, role, next);
    expect(await change(caller, member, next), next).toBe(fine ? "200" : refused);
    expect(await roleOf(member), next).toBe(fine ? next : role);
  }
});

test("owners and admins of the tenant hand out every role in every account", async () => {
  const admin = await acme.member({ tenantRole: "admin", accountRole: "VIEWER" });
  for (const caller of [acme.owner, admin])
    for (const role of accountRoles) {
      const member = await newMember("ADMIN", elsewhere);
      expect(await change(caller, member, role, elsewhere)).toBe("200");
      expect(await remove(caller, member, elsewhere)).toBe("204");
      expect(await add(caller, member, role, elsewhere)).toBe("201");
    }
});

test("nobody raises themselves, and anybody who manages may lower themselves or go", async () => {
  const manager = await acme.member({ accountRole: "MANAGER" });
  expect(await change(manager, manager.userId, "ADMIN")).toBe("403 forbidden");
  expect(await change(manager, manager.userId, "BILLING")).toBe("403 forbidden");
  const leaver = await acme.member({ accountRole: "MANAGER" });
  expect(await remove(leaver, leaver.userId)).toBe("204");
  expect(await change(manager, manager.userId, "EDITOR")).toBe("200");
  expect(await change(manager, manager.userId, "MANAGER")).toBe("403 forbidden");
});

/** Every way to look at and to manage the members of an account. */
async function everything(who: Caller, account: string, member: string) {
  return [
    await answerOf(who, "GET", at(account)),
    await answerOf(who, "GET", at(account, member)),
    await add(who, await newUser(), "VIEWER", account),
    await change(who, member, "VIEWER", account),
    await remove(who, member, account),
  ];
}
const five = (answer: string) => Array<string>(5).fill(answer);
const all = ["200", "200", "201", "200", "204"];

test("who does not rule the tenant works in the account they name: another of theirs answers 403, any other 404", async () => {
  const boss = await acme.member({ accountRole: "ADMIN" });
  const second = await placeAccount(acme.db, randomUUID());
  await placeInAccount(acme.db, second, boss.userId, "ADMIN");
  const members = {
    here: await newMember("VIEWER"),
    second: await newMember("VIEWER", second),
    elsewhere: await newMember("VIEWER", elsewhere),
  };
  expect(await everything(boss, second, members.second)).toEqual(five("403 forbidden"));
  expect(await everything(boss, elsewhere, members.elsewhere)).toEqual(five("404 not_found"));
  expect(await everything(boss, acme.accountId, members.here)).toEqual(all);
  const there: Caller = {
    call: (path, options = {}) =>
      boss.call(path, { ...options, headers: { ...options.headers, "account-id": second } }),
  };
  expect(await everything(there, second, members.second)).toEqual(all);
});

test("a key hands out what its scopes cover: none where they cover no role", async () => {
  const keyTo = (scopes: readonly Permission[]) =>
    keyOf(acme.owner, { accountId: acme.accountId, scopes });
  const granted = async (key: Caller) => {
    const roles: AccountRole[] = [];
    for (const role of accountRoles)
      if ((await add(key, await newUser(), role)) === "201") roles.push(role);
    return roles;
  };
  expect(await granted(await keyTo(permissionsOf.ADMIN))).toEqual([...accountRoles]);
  expect(await granted(await keyTo(permissionsOf.MANAGER))).toEqual(
    accountRoles.filter((role) => mayDo("MANAGER", role)),
  );
  const bare = await keyTo(["MANAGE_TEAM_USERS", "VIEW_ALL_USERS"]);
  expect(await granted(bare)).toEqual([]);
  const viewer = await newMember("VIEWER");
  expect(await everything(bare, acme.accountId, viewer)).toEqual([
    "200",
    "200",
    "403 forbidden",
    "403 forbidden",
    "403 forbidden",
  ]);
  expect(await everything(bare, elsewhere, viewer)).toEqual(five("404 not_found"));
  const blind = await keyTo(["MANAGE_BILLING"]);
  expect(await everything(blind, acme.accountId, viewer)).toEqual(five("403 forbidden"));
  const whole = await keyOf(acme.owner);
  expect(await everything(whole, elsewhere, await newMember("ADMIN", elsewhere))).toEqual(all);
});

test("a key whose owner was lowered hands out no more than they now could", async () => {
  const boss = await acme.member({ accountRole: "ADMIN" });
  const key = await keyOf(boss, { accountId: acme.accountId });
  expect(await add(key, await newUser(), "ADMIN")).toBe("201");
  expect(await change(acme.owner, boss.userId, "MANAGER")).toBe("200");
  expect(await add(key, await newUser(), "ADMIN")).toBe("403 forbidden");
  expect(await add(key, await newUser(), "MANAGER")).toBe("201");
});

test("a platform admin under a grant looks at members and takes them out, and hands out nothing that lasts", async () => {
  const operator = await newOperator(acme, "write");
  expect(await everything(operator, acme.accountId, await newMember("ADMIN"))).toEqual([
    "200",
    "200",
    "403 forbidden",
    "403 forbidden",
    "204",
  ]);
  const reader = await newOperator(acme, "read");
  expect(await everything(reader, acme.accountId, await newMember("VIEWER"))).toEqual([
    "200",
    "200",
    "403 forbidden",
    "403 forbidden",
    "403 forbidden",
  ]);
});

test("who is in no account is placed by those who rule the tenant, not by an account that would own them", async () => {
  const boss = await acme.member({ accountRole: "ADMIN" });
  const loner = await acme.member();
  expect(await add(boss, loner.userId, "VIEWER")).toBe("403 forbidden");
  const user = `/api/v1/users/${loner.userId}`;
  expect(await answerOf(boss, "DELETE", user)).toBe("403 forbidden");
  expect(await add(acme.owner, loner.userId, "VIEWER")).toBe("201");
});
