import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { z } from "zod";
import type { Problem } from "../../http/problem.ts";
import { newTenant, type Person, type TestTenant } from "../../testing/harness.ts";
import { auditOf, placeAccount, placeInAccount, placeUsers } from "../../testing/rows.ts";
import type { AccountMember, AccountMemberPage } from "./members.schema.ts";

type Page = z.infer<typeof AccountMemberPage>;

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

type Caller = Pick<Person, "call">;
const at = (account: string, user?: string) =>
  `/api/v1/accounts/${account}/members${user ? `/${user}` : ""}`;
const outcome = ({ status, body }: { status: number; body: Problem }) =>
  body.code ? `${status} ${body.code}` : `${status}`;
const add = <T = AccountMember>({ call }: Caller, account: string, body: unknown) =>
  call<T>(at(account), { method: "POST", body });
const nobody = "usr_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d";
const any = { "if-match": "*" };
const newAccount = () => placeAccount(acme.db, randomUUID());
const newUser = async (row = {}) => (await placeUsers(acme.db, [row]))[0] ?? "";

test("a user is taken into an account in the role said, and the answer says where they are", async () => {
  const account = await newAccount();
  const userId = await newUser({ name: "Ada", email: `${randomUUID()}@members.test` });
  const { status, headers, body } = await add(acme.owner, account, { userId, role: "EDITOR" });
  expect(status).toBe(201);
  expect(body).toEqual({
    userId,
    name: "Ada",
    email: expect.stringMatching(/@members\.test$/) as string,
    status: "pending",
    role: "EDITOR",
    version: 1,
    createdAt: expect.any(String) as string,
  });
  expect(headers["location"]).toBe(at(account, userId));
  expect(headers["etag"]).toBe(`"${acme.id}.1"`);
  const got = await acme.owner.call<AccountMember>(at(account, userId));
  expect([got.status, got.headers["etag"], got.body]).toEqual([200, headers["etag"], body]);
  const user = await acme.owner.call<{ accounts: object[] }>(`/api/v1/users/${userId}`);
  expect(user.body.accounts).toEqual([
    expect.objectContaining({ accountId: account, role: "EDITOR" }),
  ]);

  const [row, ...more] = await auditOf(acme.owner, { requestId: headers["x-request-id"] ?? "" });
  expect(more).toEqual([]);
  expect(row).toMatchObject({
    actorId: acme.owner.userId,
    action: "INSERT",
    entity: "account_members",
    entityId: `${account}:${userId}`,
  });
});

test("whoever is taken in, changed or taken out has or loses their rights on the very next request", async () => {
  const account = await newAccount();
  const { userId, call } = await acme.member();
  const enter = async () => {
    const headers = { "account-id": account };
    return outcome(await call<Problem>("/api/v1/users", { headers }));
  };
  const change = (role: string) =>
    acme.owner.call(at(account, userId), { method: "PATCH", headers: any, body: { role } });
  expect(await enter()).toBe("403 account_forbidden");
  await add(acme.owner, account, { userId, role: "MANAGER" });
  expect(await enter()).toBe("200");
  await change("EDITOR");
  expect(await enter()).toBe("403 forbidden");
  await change("ADMIN");
  expect(await enter()).toBe("200");
  await acme.owner.call(at(account, userId), { method: "DELETE", headers: any });
  expect(await enter()).toBe("403 account_forbidden");
});

test("nobody is taken in twice, whatever the role; taken out, they may come again", async () => {
  const account = await newAccount();
  const userId = await newUser();
  expect((await add(acme.owner, account, { userId, role: "VIEWER" })).status).toBe(201);
  for (const role of ["VIEWER", "ADMIN"])
    expect(outcome(await add<Problem>(acme.owner, account, { userId, role }))).toBe(
      "409 already_member",
    );
  expect((await acme.owner.call<AccountMember>(at(account, userId))).body.role).toBe("VIEWER");
  await acme.owner.call(at(account, userId), { method: "DELETE", headers: any });
  expect((await add(acme.owner, account, { userId, role: "ADMIN" })).body).toMatchObject({
    role: "ADMIN",
    version: 1,
  });
});

test("of 24 who take one user in at once exactly one does", async () => {
  const account = await newAccount();
  const userId = await newUser();
  const roles = ["VIEWER", "EDITOR", "ADMIN"];
  const answers = await Promise.all(
    Array.from({ length: 24 }, (_, i) =>
      add<Problem>(acme.owner, account, { userId, role: roles[i % 3] }),
    ),
  );
  expect(answers.map(outcome).sort()).toEqual([
    "201",
    ...Array<string>(23).fill("409 already_member"),
  ]);
  const won = answers.find(({ status }) => status === 201);
  const { body } = await acme.owner.call<Page>(at(account));
  expect(body.data).toEqual([won?.body]);
  expect(await auditOf(acme.owner, { entityId: `${account}:${userId}` })).toHaveLength(1);
});

test("a user who never was, is gone or is another tenant's cannot be taken in", async () => {
  const globex = await newTenant();
  const gone = await newUser({ deletedAt: 1 });
  for (const userId of [nobody, gone, globex.owner.userId]) {
    const { status, body } = await add<Problem>(acme.owner, acme.accountId, {
      userId,
      role: "VIEWER",
    });
    expect([status, body.code, body.detail]).toEqual([404, "not_found", "No such user"]);
  }
});

test("an account that never was, is gone or is another tenant's has no members", async () => {
  const globex = await newTenant();
  const gone = await placeAccount(acme.db, randomUUID(), { deletedAt: 1 });
  const userId = await newUser();
  await placeInAccount(acme.db, gone, userId, "VIEWER");
  const unknown = "acc_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d";
  for (const account of [unknown, gone, globex.accountId]) {
    const answers = [
      await acme.owner.call<Problem>(at(account)),
      await add<Problem>(acme.owner, account, { userId, role: "VIEWER" }),
      await acme.owner.call<Problem>(at(account, userId)),
      await acme.owner.call<Problem>(at(account, userId), {
        method: "PATCH",
        headers: any,
        body: { role: "ADMIN" },
      }),
      await acme.owner.call<Problem>(at(account, userId), { method: "DELETE", headers: any }),
    ];
    for (const { status, body } of answers)
      expect([status, body.code, body.detail]).toEqual([404, "not_found", "No such account"]);
  }
});

test("a list shows the living members with the role each has, in the order they came", async () => {
  const account = await newAccount();
  const ids: string[] = [];
  for (const [name, row] of [
    ["Ada", { status: "suspended" as const }],
    ["Bob", {}],
    ["Gone", { deletedAt: 1 }],
    ["Eve", {}],
  ] as const) {
    const id = await newUser({ name, ...row });
    ids.push(id);
    await placeInAccount(acme.db, account, id, "ANALYTICS");
  }
  const list = async (query = "") => (await acme.owner.call<Page>(`${at(account)}?${query}`)).body;
  const { data, meta } = await list();
  expect(data.map(({ name, status, role }) => [name, status, role])).toEqual([
    ["Eve", "pending", "ANALYTICS"],
    ["Bob", "pending", "ANALYTICS"],
    ["Ada", "suspended", "ANALYTICS"],
  ]);
  expect(meta.totalItems).toBe(3);
  const up = await list("sortOrder=asc&limit=2");
  expect(up.data.map(({ name }) => name)).toEqual(["Ada", "Bob"]);
  const rest = await list(`sortOrder=asc&limit=2&cursor=${up.meta.nextCursor}`);
  expect([rest.data.map(({ name }) => name), rest.meta.nextCursor]).toEqual([["Eve"], null]);

  const other = await newAccount();
  const strange = await acme.owner.call<Problem>(
    `${at(other)}?sortOrder=asc&cursor=${up.meta.nextCursor}`,
  );
  expect(outcome(strange), "a cursor of another account").toBe("400 invalid_request");
  const gone = await acme.owner.call<Problem>(at(account, ids[2]));
  expect([gone.status, gone.body.detail]).toEqual([404, "No such member"]);
});

test("a role is changed only by who says what they read, and holds if it is still so", async () => {
  const globex = await newTenant();
  const account = await newAccount();
  const userId = await newUser();
  await add(acme.owner, account, { userId, role: "VIEWER" });
  const change = async (role: string, tag?: string) => {
    const headers = { "if-match": tag };
    const call = { method: "PATCH", headers, body: { role } };
    return await acme.owner.call<AccountMember & Problem>(at(account, userId), call);
  };
  expect(outcome(await change("EDITOR"))).toBe("428 precondition_required");
  expect(outcome(await change("EDITOR", `"${acme.id}.2"`))).toBe("412 precondition_failed");
  expect(outcome(await change("EDITOR", `"${globex.id}.1"`))).toBe("412 precondition_failed");
  expect(outcome(await change("EDITOR", "1"))).toBe("400 invalid_request");
  const { status, headers, body } = await change("EDITOR", `"${acme.id}.1"`);
  expect([status, headers["etag"]]).toEqual([200, `"${acme.id}.2"`]);
  expect(body).toMatchObject({ userId, role: "EDITOR", version: 2 });
  expect((await acme.owner.call(at(account, userId))).body).toEqual(body);
  expect(outcome(await change("ADMIN", `"${acme.id}.1"`))).toBe("412 precondition_failed");

  const [row] = await auditOf(acme.owner, { requestId: headers["x-request-id"] ?? "" });
  expect(row?.changes).toEqual({
    role: { old: "VIEWER", new: "EDITOR" },
    version: { old: 1, new: 2 },
  });
});

test("a member is taken out only by who says what they read, and is gone then", async () => {
  const account = await newAccount();
  const userId = await newUser();
  await add(acme.owner, account, { userId, role: "VIEWER" });
  const remove = async (tag?: string) =>
    outcome(
      await acme.owner.call<Problem>(at(account, userId), {
        method: "DELETE",
        headers: { "if-match": tag },
      }),
    );
  expect(await remove()).toBe("428 precondition_required");
  expect(await remove(`"${acme.id}.2"`)).toBe("412 precondition_failed");
  expect(await remove(`"${acme.id}.1"`)).toBe("204");
  expect(await remove(`"${acme.id}.1"`)).toBe("404 not_found");
  expect((await acme.owner.call(at(account, userId))).status).toBe(404);
  expect((await acme.owner.call(`/api/v1/users/${userId}`)).status).toBe(200);
});

test("of 20 changes based on one version of a membership exactly one succeeds", async () => {
  const account = await newAccount();
  const userId = await newUser();
  const { headers } = await add(acme.owner, account, { userId, role: "VIEWER" });
  const roles = ["ADMIN", "EDITOR", "AUTHOR"];
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      acme.owner.call<Problem>(at(account, userId), {
        method: "PATCH",
        headers: { "if-match": headers["etag"] },
        body: { role: roles[i % 3] },
      }),
    ),
  );
  expect(answers.map(outcome).sort()).toEqual([
    "200",
    ...Array<string>(19).fill("412 precondition_failed"),
  ]);
});

const good = { userId: nobody, role: "VIEWER" };
test.each<[string, unknown, string]>([
  ["no user", { role: "VIEWER" }, "userId"],
  ["no role", { userId: nobody }, "role"],
  ["an account for a user", { ...good, userId: nobody.replace("usr", "acc") }, "userId"],
  ["a role that is none", { ...good, role: "OWNER" }, "role"],
  ["a role in lower case", { ...good, role: "viewer" }, "role"],
  ["a tenant role", { ...good, tenantRole: "owner" }, ""],
  ["a version", { ...good, version: 1 }, ""],
])("a new member with %s is refused, and the answer says where", async (_, body, where) => {
  const answer = await add<Problem>(acme.owner, acme.accountId, body);
  expect(answer.status).toBe(400);
  expect(answer.body.errors?.map((error) => [error.in, error.path])).toEqual([["body", where]]);
});
