import { beforeAll, expect, test } from "vitest";
import type { z } from "zod";
import { permissionsOf } from "../../core/permissions.ts";
import type { Problem } from "../../http/problem.ts";
import { newTenant, type Person, type TestTenant } from "../../testing/harness.ts";
import { keyOf } from "../../testing/keys.ts";
import { newOperator } from "../../testing/operators.ts";
import { placeAccount, placeInAccount } from "../../testing/rows.ts";
import type { Account, AccountPage } from "./accounts.schema.ts";

type Page = z.infer<typeof AccountPage>;
type Caller = Pick<Person, "call">;

const path = "/api/v1/accounts";
const nobodys = "acc_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d";

/** Two accounts beside the first, one of them closed, and one that is gone. */
let acme: TestTenant;
let east: string;
let west: string;
let gone: string;
beforeAll(async () => {
  acme = await newTenant();
  east = await placeAccount(acme.db, "East");
  west = await placeAccount(acme.db, "West", { active: false });
  gone = await placeAccount(acme.db, "Gone", { deletedAt: 1 });
});

/** What a caller sees, in the list and one by one; both must agree. */
async function seenBy({ call }: Caller): Promise<string[]> {
  const { status, body } = await call<Page>(path);
  expect(status).toBe(200);
  const listed = body.data.map(({ id }) => id).sort();
  expect(body.meta.totalItems).toBe(listed.length);
  const found: string[] = [];
  for (const id of [acme.accountId, east, west, gone, nobodys]) {
    const answer = await call<Account & Problem>(`${path}/${id}`);
    if (answer.status === 200) found.push(answer.body.id);
    else
      expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
        404,
        "not_found",
        "No such account",
      ]);
  }
  expect(found.sort()).toEqual(listed);
  return listed;
}
const all = () => [acme.accountId, east, west].sort();

test("owners, admins and platform admins under a grant see every living account", async () => {
  const admin = await acme.member({ tenantRole: "admin" });
  const operator = await newOperator(acme, "read");
  for (const caller of [acme.owner, admin, operator]) expect(await seenBy(caller)).toEqual(all());
});

test("others see the accounts they are in, closed ones too, whichever they work in", async () => {
  const plain = await acme.member({ accountRole: "VIEWER" });
  const boss = await acme.member({ accountRole: "ADMIN" });
  for (const { userId } of [plain, boss]) {
    await placeInAccount(acme.db, west, userId, "EDITOR");
    await placeInAccount(acme.db, gone, userId, "ADMIN");
  }
  const theirs = [acme.accountId, west].sort();
  expect(await seenBy(plain)).toEqual(theirs);
  expect(await seenBy(boss)).toEqual(theirs);
  const unnamed: Caller = {
    call: (to, options = {}) =>
      plain.call(to, { ...options, headers: { "account-id": undefined, ...options.headers } }),
  };
  expect(await seenBy(unnamed)).toEqual(theirs);
});

test("who is in no account sees none", async () => {
  expect(await seenBy(await acme.member())).toEqual([]);
});

test("a key for the whole tenant sees what its owner rules, one for an account that account", async () => {
  expect(await seenBy(await keyOf(acme.owner))).toEqual(all());
  expect(await seenBy(await keyOf(acme.owner, { accountId: east }))).toEqual([east]);
  const some = { scopes: permissionsOf.MANAGER };
  expect(await seenBy(await keyOf(acme.owner, { ...some, accountId: east }))).toEqual([east]);
  expect(await seenBy(await keyOf(acme.owner, some)), "it names no account").toEqual([]);

  const inBoth = await acme.member({ tenantRole: "admin", accountRole: "ADMIN" });
  const free = await keyOf(inBoth);
  const lowered = { method: "PATCH", body: { tenantRole: "member" }, headers: { "if-match": "*" } };
  await acme.owner.call(`/api/v1/tenant/members/${inBoth.userId}`, lowered);
  await placeInAccount(acme.db, east, inBoth.userId, "ADMIN");
  expect(await seenBy(await keyOf(inBoth, { accountId: east }))).toEqual([east]);
  expect(await seenBy(free)).toEqual([]);
  const named = await free.call<Page>(path, { headers: { "account-id": east } });
  expect(named.body.data.map(({ id }) => id)).toEqual([east]);
});

test("the accounts of a person who becomes an admin, or stops being one, are others at once", async () => {
  const { call, userId } = await acme.member({ accountRole: "VIEWER" });
  const give = (tenantRole: string) =>
    acme.owner.call(`/api/v1/tenant/members/${userId}`, {
      method: "PATCH",
      headers: { "if-match": "*" },
      body: { tenantRole },
    });
  expect(await seenBy({ call })).toEqual([acme.accountId]);
  await give("admin");
  expect(await seenBy({ call })).toEqual(all());
  await give("member");
  expect(await seenBy({ call })).toEqual([acme.accountId]);
});

test("a list sorts, searches and filters what the caller may see, and nothing more", async () => {
  const fresh = await newTenant();
  const base = Date.UTC(2030, 0, 1);
  const place = (name: string, at: number, active = true) =>
    placeAccount(fresh.db, name, { createdAt: base + at, active });
  const ids = [await place("B 100%", 1), await place("c_d", 2, false), await place("A", 3)];
  const { userId, call } = await fresh.member();
  for (const id of ids.slice(0, 2)) await placeInAccount(fresh.db, id, userId, "VIEWER");
  const names = async (caller: Caller, query: Record<string, string>) => {
    const { status, body } = await caller.call<Page>(`${path}?${new URLSearchParams(query)}`);
    expect([status, body.meta.totalItems]).toEqual([200, body.data.length]);
    return body.data.map(({ name }) => name);
  };
  const first = `Tenant ${fresh.slug}`;
  expect(await names(fresh.owner, {})).toEqual(["A", "c_d", "B 100%", first]);
  expect(await names(fresh.owner, { sortBy: "name", sortOrder: "asc" })).toEqual([
    "A",
    "B 100%",
    first,
    "c_d",
  ]);
  expect(await names(fresh.owner, { active: "false" })).toEqual(["c_d"]);
  expect(await names(fresh.owner, { active: "true", search: "a" })).toEqual(["A", first]);
  expect(await names(fresh.owner, { search: "%" })).toEqual(["B 100%"]);
  expect(await names(fresh.owner, { search: "_" })).toEqual(["c_d"]);
  expect(await names({ call }, { sortOrder: "asc" })).toEqual(["B 100%", "c_d"]);
  expect(await names({ call }, { search: "A" })).toEqual([]);
  expect(await names({ call }, { active: "true" })).toEqual(["B 100%"]);
});

test("cursors lead past every account once, and a page past the end is empty", async () => {
  const fresh = await newTenant();
  const at = Date.UTC(2030, 0, 1);
  // Created at one moment: only the id tells them apart.
  for (const name of ["A", "B", "C", "D"]) await placeAccount(fresh.db, name, { createdAt: at });
  for (const sort of ["createdAt", "name"]) {
    const names: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const query: string = `sortBy=${sort}&limit=2${cursor && `&cursor=${cursor}`}`;
      const { body }: { body: Page } = await fresh.owner.call<Page>(`${path}?${query}`);
      names.push(...body.data.map(({ name }) => name));
      cursor = body.meta.nextCursor;
    }
    expect(names.sort()).toEqual(["A", "B", "C", "D", `Tenant ${fresh.slug}`]);
  }
  const beyond = await fresh.owner.call<Page>(`${path}?page=9&limit=2`);
  expect([beyond.body.data, beyond.body.meta.totalItems]).toEqual([[], 5]);
});

test.each([
  ["active", "1"],
  ["active", ""],
  ["active", "TRUE"],
  ["search", ""],
  ["search", "a\u0000"],
  ["sortBy", "domain"],
  ["limit", "101"],
  ["cursor", "garbage"],
])("the query %s=%j is refused, and the answer names it", async (name, value) => {
  const query = new URLSearchParams({ [name]: value });
  const { status, body } = await acme.owner.call<Problem>(`${path}?${query}`);
  expect([status, body.errors?.map((error) => [error.in, error.path])]).toEqual([
    400,
    [["query", name]],
  ]);
});

test("what is no id of an account is a bad request", async () => {
  for (const id of ["me", "1", acme.owner.userId, `${acme.accountId}%00`]) {
    const { status, body } = await acme.owner.call<Problem>(`${path}/${id}`);
    expect([status, body.errors?.map((error) => error.path)], id).toEqual([400, ["id"]]);
  }
});
