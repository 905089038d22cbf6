import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { permissionsOf } from "../../core/permissions.ts";
import type { Problem } from "../../http/problem.ts";
import { newTenant, type Person, type TestTenant } from "../../testing/harness.ts";
import { keyOf } from "../../testing/keys.ts";
import { newOperator } from "../../testing/operators.ts";
import { auditOf, placeAccount, placeInAccount } from "../../testing/rows.ts";
import type { Account } from "./accounts.schema.ts";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

type Caller = Pick<Person, "call">;
const path = "/api/v1/accounts";
const at = (id: string) => `${path}/${id}`;
const remove = ({ call }: Caller, id: string, headers: Record<string, string> = {}) =>
  call<Problem>(at(id), { method: "DELETE", headers });
const restore = <T = Account>({ call }: Caller, id: string) =>
  call<T>(`${at(id)}/restoration`, { method: "POST" });
const outcome = ({ status, body }: { status: number; body: Problem }) =>
  body.code ? `${status} ${body.code}` : `${status}`;
const place = (row: Parameters<typeof placeAccount>[2] = {}) =>
  placeAccount(acme.db, randomUUID(), row);
const nobodys = "acc_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d";

test("a deleted account is gone from every read, and looks like an id that never was", async () => {
  const id = await place();
  const gone = await remove(acme.owner, id);
  expect([gone.status, gone.body]).toEqual([204, ""]);
  const { body } = await acme.owner.call<{ data: Account[] }>(`${path}?limit=100`);
  expect(body.data.map((account) => account.id)).not.toContain(id);
  for (const [method, to] of [
    ["GET", ""],
    ["PATCH", ""],
    ["DELETE", ""],
    ["GET", "/members"],
  ] as const) {
    const ask = (account: string) =>
      acme.owner.call<Problem>(`${at(account)}${to}`, {
        method,
        ...(method === "PATCH" ? { body: { name: "X" } } : {}),
      });
    const [deleted, unknown] = await Promise.all([ask(id), ask(nobodys)]);
    expect(outcome(deleted)).toBe("404 not_found");
    const same = { instance: "", requestId: "" };
    expect({ ...deleted.body, ...same }).toEqual({ ...unknown.body, ...same });
  }
});

test("a deletion keeps members and keys out at once, and a restoration lets them in as they were", async () => {
  const id = await place({ settings: { a: 1 } });
  const plain = await acme.member();
  await placeInAccount(acme.db, id, plain.userId, "MANAGER");
  const key = await keyOf(plain, { accountId: id, scopes: permissionsOf.MANAGER });
  const enter = async () => {
    const headers = { "account-id": id };
    const answers = [
      await plain.call<Problem>("/api/v1/users", { headers }),
      await key.call<Problem>("/api/v1/users"),
    ];
    return answers.map(outcome);
  };
  const before = (await acme.owner.call<Account>(at(id))).body;
  expect(await enter()).toEqual(["200", "200"]);
  expect((await remove(acme.owner, id)).status).toBe(204);
  expect(await enter()).toEqual(["403 account_forbidden", "403 account_forbidden"]);
  const { status, headers, body } = await restore(acme.owner, id);
  expect([status, headers["etag"]]).toEqual([200, `"${acme.id}.3"`]);
  expect(body).toEqual({
    ...before,
    version: 3,
    updatedBy: acme.owner.userId,
    updatedAt: expect.any(String) as string,
  });
  expect(await enter()).toEqual(["200", "200"]);
});

test("the tenant's first account stays, whoever asks and whatever its name", async () => {
  const operator = await newOperator(acme, "write");
  for (const caller of [acme.owner, await keyOf(acme.owner), operator])
    expect(outcome(await remove(caller, acme.accountId))).toBe("409 conflict");
  const stale = { "if-match": `"${acme.id}.9"` };
  expect(outcome(await remove(acme.owner, acme.accountId, stale))).toBe("412 precondition_failed");
  expect((await acme.owner.call<Account>(at(acme.accountId))).body.version).toBe(1);
});

test("a deletion is in the log: who, when, and that it was one", async () => {
  const id = await place();
  const { headers } = await remove(acme.owner, id);
  const [row, ...more] = await auditOf(acme.owner, { requestId: headers["x-request-id"] ?? "" });
  expect(more).toEqual([]);
  expect(row).toMatchObject({ action: "UPDATE", entity: "accounts", entityId: id });
  expect(row?.changes).toMatchObject({
    deleted_at: { old: null, new: expect.any(Number) as number },
    deleted_by: { old: null, new: acme.owner.userId },
    version: { old: 1, new: 2 },
  });
});

test("If-Match keeps an account from being deleted that changed meanwhile", async () => {
  const id = await place({ version: 2 });
  const tagged = (tag: string) => remove(acme.owner, id, { "if-match": tag }).then(outcome);
  expect(await tagged(`"${acme.id}.1"`)).toBe("412 precondition_failed");
  expect(await tagged("2")).toBe("400 invalid_request");
  expect(await tagged(`"${acme.id}.2"`)).toBe("204");
});

test("a restoration whose name or domain was given away answers 409, and changes nothing", async () => {
  const domain = `${randomUUID()}.test`;
  const [byName, byDomain] = [await place(), await place({ domain })];
  const { name } = (await acme.owner.call<Account>(at(byName))).body;
  for (const id of [byName, byDomain]) await remove(acme.owner, id);
  const create = (body: object) => acme.owner.call<Account>(path, { method: "POST", body });
  const heirs = [await create({ name }), await create({ name: randomUUID(), domain })];
  expect(outcome(await restore<Problem>(acme.owner, byName))).toBe("409 name_taken");
  expect(outcome(await restore<Problem>(acme.owner, byDomain))).toBe("409 domain_taken");
  for (const id of [byName, byDomain]) expect((await acme.owner.call(at(id))).status).toBe(404);
  for (const { body } of heirs) await remove(acme.owner, body.id);
  for (const id of [byName, byDomain]) expect((await restore(acme.owner, id)).status).toBe(200);
});

test("what was never deleted, or never was, cannot be restored", async () => {
  for (const id of [acme.accountId, nobodys, (await newTenant()).accountId])
    expect(outcome(await restore<Problem>(acme.owner, id))).toBe("404 not_found");
});

test("no account role deletes or restores, not even the ADMIN's own account", async () => {
  const boss = await acme.member({ accountRole: "ADMIN" });
  const gone = await place({ deletedAt: 1 });
  for (const caller of [boss, await keyOf(boss), await newOperator(acme, "read")]) {
    expect(outcome(await remove(caller, acme.accountId))).toBe("403 forbidden");
    expect(outcome(await restore<Problem>(caller, gone))).toBe("403 forbidden");
  }
});

test("of 20 who delete one account at once, one does; of 20 who restore it, too", async () => {
  const id = await place();
  const once = (won: number) => [won, ...Array<number>(19).fill(404)];
  const all = <T>(act: () => Promise<T>) => Promise.all(Array.from({ length: 20 }, act));
  const removed = await all(() => remove(acme.owner, id));
  expect(removed.map(({ status }) => status).sort()).toEqual(once(204));
  const restored = await all(() => restore(acme.owner, id));
  expect(restored.map(({ status }) => status).sort()).toEqual(once(200));
  expect(await auditOf(acme.owner, { entityId: id, action: "UPDATE" })).toHaveLength(2);
});
