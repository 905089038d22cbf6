import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../http/problem.ts";
import { newTenant, type Person, type TestTenant } from "../../testing/harness.ts";
import { keyOf } from "../../testing/keys.ts";
import { newOperator } from "../../testing/operators.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
import { auditOf, placeAccount, placeInAccount } from "../../testing/rows.ts";
import type { Account } from "./accounts.schema.ts";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

type Caller = Pick<Person, "call">;
const at = (id: string) => `/api/v1/accounts/${id}`;
const patch = <T = Account>(
  { call }: Caller,
  id: string,
  body: unknown,
  headers: Record<string, string> = {},
) => call<T>(at(id), { method: "PATCH", body, headers });
const get = async (id: string) => (await acme.owner.call<Account>(at(id))).body;
const place = (row: Parameters<typeof placeAccount>[2] = {}) =>
  placeAccount(acme.db, randomUUID(), row);
const outcome = ({ status, body }: { status: number; body: Problem }) =>
  body.code ? `${status} ${body.code}` : `${status}`;
const ask = async (...args: Parameters<typeof patch>) => outcome(await patch<Problem>(...args));
const any = { "if-match": "*" };

test("a patch changes what it holds and nothing else, and null clears", async () => {
  const id = await place({ description: "Before", domain: `${randomUUID()}.test` });
  const before = await get(id);
  const name = randomUUID();
  const renamed = await patch(acme.owner, id, { name: `  ${name} ` });
  expect(renamed.status).toBe(200);
  expect(renamed.body).toEqual({
    ...before,
    name,
    version: 2,
    updatedBy: acme.owner.userId,
    updatedAt: expect.any(String) as string,
  });
  expect(renamed.headers["etag"]).toBe(`"${acme.id}.2"`);
  expect(await get(id)).toEqual(renamed.body);
  const cleared = await patch(acme.owner, id, { description: null, domain: null });
  expect(cleared.body).toMatchObject({ name, description: null, domain: null, version: 3 });

  const [row] = await auditOf(acme.owner, { requestId: cleared.headers["x-request-id"] ?? "" });
  expect(row?.changes).toMatchObject({
    description: { old: "Before", new: null },
    domain: { old: before.domain, new: null },
    version: { old: 2, new: 3 },
  });
});

test("If-Match lets a change through only while the account is what the caller saw", async () => {
  const globex = await newTenant();
  const id = await place();
  const rename = (tag: string) => ask(acme.owner, id, { name: randomUUID() }, { "if-match": tag });
  expect(await rename(`"${acme.id}.1"`)).toBe("200");
  expect(await rename(`"${acme.id}.1"`)).toBe("412 precondition_failed");
  expect(await rename(`"${globex.id}.2"`)).toBe("412 precondition_failed");
  expect(await rename(`W/"${acme.id}.2"`)).toBe("412 precondition_failed");
  expect(await rename("2")).toBe("400 invalid_request");
  expect(await rename(`"x", "${acme.id}.2"`)).toBe("200");
  expect(await rename("*")).toBe("200");
  expect(await ask(acme.owner, id, { name: randomUUID() })).toBe("200");
  expect((await get(id)).version).toBe(5);
});

test("a name or domain of another living account answers 409; one's own and a freed one do", async () => {
  const [domain, freed] = [`${randomUUID()}.test`, `${randomUUID()}.test`];
  const other = await get(await place({ domain }));
  await place({ domain: freed, deletedAt: 1 });
  const id = await place();
  const mine = await get(id);
  expect(await ask(acme.owner, id, { name: other.name })).toBe("409 name_taken");
  expect(await ask(acme.owner, id, { domain: domain.toUpperCase() })).toBe("409 domain_taken");
  expect(await get(id)).toEqual(mine);
  expect(await ask(acme.owner, id, { name: mine.name, domain: freed })).toBe("200");
});

test("an ADMIN changes the account they work in, but not whether it is open", async () => {
  const id = await place();
  const { userId, call } = await acme.member({ accountRole: "ADMIN" });
  await placeInAccount(acme.db, id, userId, "ADMIN");
  const inside = { "account-id": id };
  const boss = { call };
  expect(await ask(boss, id, { description: "Ours" }, inside)).toBe("200");
  expect(await ask(boss, id, { settings: { a: 1 } }, { ...inside, ...any })).toBe("200");
  expect(await ask(boss, id, { active: false }, inside)).toBe("403 forbidden");
  expect(await ask(boss, id, { active: true, name: randomUUID() }, inside)).toBe("403 forbidden");
  expect(await get(id)).toMatchObject({ active: true, version: 3, updatedBy: userId });
});

test("an account that is the caller's and not the one they work in answers 403, any other 404", async () => {
  const { userId, call } = await acme.member({ accountRole: "ADMIN" });
  const second = await place();
  await placeInAccount(acme.db, second, userId, "ADMIN");
  const name = randomUUID();
  expect(await ask({ call }, second, { name })).toBe("403 forbidden");
  const unknown = "acc_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d";
  const foreign = (await newTenant()).accountId;
  const gone = await place({ deletedAt: 1 });
  for (const id of [await place(), gone, foreign, unknown]) {
    const { status, body } = await patch<Problem>({ call }, id, { name });
    expect([status, body.code, body.detail]).toEqual([404, "not_found", "No such account"]);
  }
  for (const id of [gone, foreign, unknown])
    expect(await ask(acme.owner, id, { name })).toBe("404 not_found");
});

test("a taken name tells nothing to who may not change the account", async () => {
  const { call } = await acme.member({ accountRole: "ADMIN" });
  const { name } = await get(await place());
  expect(await ask({ call }, await place(), { name })).toBe("404 not_found");
});

test("keys and platform admins change accounts as far as they rule, and are told like people", async () => {
  const [id, other] = [await place(), await place()];
  const key = await keyOf(acme.owner);
  const bound = await keyOf(acme.owner, { accountId: id });
  const operator = await newOperator(acme, "write");
  for (const caller of [key, operator]) {
    expect(await ask(caller, id, { active: false })).toBe("200");
    expect(await ask(caller, id, { name: randomUUID() }, { "if-match": '"x"' })).toBe(
      "412 precondition_failed",
    );
    expect(await ask(caller, id, { settings: {} })).toBe("428 precondition_required");
  }
  expect(await ask(operator, id, { active: true }), "it lasts").toBe("403 forbidden");
  expect(await ask(key, id, { active: true })).toBe("200");
  expect(await ask(bound, id, { description: "Mine" })).toBe("200");
  expect(await ask(bound, id, { domain: "mine.test" })).toBe("403 forbidden");
  expect(await ask(bound, id, { active: false })).toBe("403 forbidden");
  expect(await ask(bound, other, { description: "Mine" })).toBe("404 not_found");
  const reader = await newOperator(acme, "read");
  expect(await ask(reader, id, { description: "Mine" })).toBe("403 forbidden");
  const narrow = await keyOf(acme.owner, { scopes: ["MANAGE_ALL_USERS"] });
  expect(await ask(narrow, id, { description: "Mine" })).toBe("403 forbidden");
});

test("a closed account keeps its members out at once, and its opening lets them in again", async () => {
  const fresh = await newTenant();
  const { owner, accountId } = fresh;
  const boss = await fresh.member({ accountRole: "ADMIN" });
  const key = await keyOf(boss, { accountId });
  const enter = async ({ call }: Caller) => outcome(await call<Problem>("/api/v1/users"));
  const both = async () => [await enter(boss), await enter(key)];
  expect(await both()).toEqual(["200", "200"]);
  expect(await ask(owner, accountId, { active: false })).toBe("200");
  expect(await both()).toEqual(["403 account_forbidden", "403 account_forbidden"]);
  expect(await ask(boss, accountId, { name: "Mine" })).toBe("403 account_forbidden");
  const headers = { "account-id": accountId };
  expect(outcome(await owner.call<Problem>("/api/v1/users", { headers }))).toBe("200");
  expect(await ask(owner, accountId, { active: true })).toBe("200");
  expect(await both()).toEqual(["200", "200"]);
});

test("a change that was refused leaves no trace in the log", async () => {
  const id = await place();
  const headers = { "x-request-id": randomUUID(), "if-match": `"${acme.id}.9"` };
  await patch(acme.owner, id, { settings: { a: 1 } }, headers);
  expect(await auditOf(acme.owner, { requestId: headers["x-request-id"] })).toEqual([]);
  expect(await rowsOf(acme.db, "select * from audit_context")).toEqual([]);
});

test.each<[string, unknown, string]>([
  ["nothing", {}, ""],
  ["null for a name", { name: null }, "name"],
  ["an empty name", { name: "" }, "name"],
  ["an empty description", { description: "" }, "description"],
  ["a line break in the domain", { domain: "acme.test\nx.test" }, "domain"],
  ["a word for a standing", { active: "false" }, "active"],
  ["null for a standing", { active: null }, "active"],
  ["a version", { name: "A", version: 1 }, ""],
  ["a restoration", { name: "A", deletedAt: null }, ""],
])("a patch that holds %s is refused, and the answer says where", async (_, body, where) => {
  const answer = await patch<Problem>(acme.owner, acme.accountId, body);
  expect(answer.status).toBe(400);
  expect(answer.body.errors?.map((error) => [error.in, error.path])).toEqual([["body", where]]);
});
