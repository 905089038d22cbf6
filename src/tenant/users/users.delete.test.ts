import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../http/problem.ts";
import { type Member, newPerson, newTenant, type TestTenant } from "../../testing/harness.ts";
import { auditOf, joinTenant, placeMembership, placeUsers } from "../../testing/rows.ts";
import type { User } from "./users.schema.ts";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

type Caller = Pick<Member, "call">;
const at = (id: string) => `/api/v1/users/${id}`;
const remove = ({ call }: Caller, id: string, headers: Record<string, string> = {}) =>
  call<Problem>(at(id), { method: "DELETE", headers });
const restore = <T = User>({ call }: Caller, id: string) =>
  call<T>(`${at(id)}/restoration`, { method: "POST" });
const outcome = ({ status, body }: { status: number; body: Problem }) => [status, body.code];
const myTenants = async ({ call }: Caller) => {
  const { body } = await call<{ data: { id: string; role: string }[] }>("/api/v1/tenants", {
    headers: { "x-tenant-id": undefined },
  });
  return body.data.map(({ id, role }) => [id, role]);
};
const nobody = "usr_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d";

test("a deleted user is gone from every read, and looks like an id that never was", async () => {
  const name = randomUUID();
  const [id = ""] = await placeUsers(acme.db, [{ name }]);
  const gone = await remove(acme.owner, id);
  expect([gone.status, gone.body]).toEqual([204, ""]);
  const found = await acme.owner.call<{ data: unknown[] }>(`/api/v1/users?search=${name}`);
  expect(found.body.data).toEqual([]);
  for (const method of ["GET", "PATCH", "DELETE"]) {
    const ask = (user: string) =>
      acme.owner.call<Problem>(at(user), {
        method,
        ...(method === "PATCH" ? { body: { name: "X" } } : {}),
      });
    const [deleted, unknown] = await Promise.all([ask(id), ask(nobody)]);
    expect(outcome(deleted)).toEqual([404, "not_found"]);
    const same = { instance: "", requestId: "" };
    expect({ ...deleted.body, ...same }).toEqual({ ...unknown.body, ...same });
  }
});

test("a deleted user is out on their next request, and no membership lets them in again", async () => {
  const person = await joinTenant(acme, newPerson());
  expect(await myTenants(person)).toEqual([[acme.id, "member"]]);
  expect((await remove(acme.owner, person.userId)).status).toBe(204);
  expect(outcome(await person.call<Problem>("/api/v1/tenant"))).toEqual([403, "tenant_forbidden"]);
  expect(await myTenants(person)).toEqual([]);
  await placeMembership(acme.id, person, "owner", "ADMIN");
  expect(outcome(await person.call<Problem>("/api/v1/tenant"))).toEqual([403, "tenant_forbidden"]);
});

test("a deletion is in the audit log: who, when, and that it was one", async () => {
  const [id = ""] = await placeUsers(acme.db, [{ createdAt: 5, updatedAt: 5 }]);
  const { headers } = await remove(acme.owner, id);
  const requestId = headers["x-request-id"] ?? "";
  const moment = expect.any(Number) as number;
  const [row, ...more] = await auditOf(acme.owner, { requestId });
  expect(more).toEqual([]);
  expect(row).toMatchObject({
    actorType: "user",
    actorId: acme.owner.userId,
    requestId,
    action: "UPDATE",
    entity: "users",
    entityId: id,
  });
  expect(row?.changes).toEqual({
    deleted_at: { old: null, new: moment },
    deleted_by: { old: null, new: acme.owner.userId },
    version: { old: 1, new: 2 },
    updated_at: { old: 5, new: row?.changes["deleted_at"]?.new },
    updated_by: { old: null, new: acme.owner.userId },
  });
});

test("If-Match keeps a user from being deleted who changed meanwhile", async () => {
  const [id = ""] = await placeUsers(acme.db, [{ version: 2 }]);
  const tagged = (version: string) => remove(acme.owner, id, { "if-match": version });
  expect(outcome(await tagged(`"${acme.id}.1"`))).toEqual([412, "precondition_failed"]);
  expect(outcome(await tagged("2"))).toEqual([400, "invalid_request"]);
  expect((await tagged(`"${acme.id}.2"`)).status).toBe(204);
});

test("a restored user is back as they were: reads, rights and membership", async () => {
  const person = await joinTenant(acme, newPerson(), "admin");
  const before = (await acme.owner.call<User>(at(person.userId))).body;
  await remove(acme.owner, person.userId);
  const { status, headers, body } = await restore(acme.owner, person.userId);
  expect(status).toBe(200);
  expect(body).toEqual({
    ...before,
    version: 3,
    updatedBy: acme.owner.userId,
    updatedAt: expect.any(String) as string,
  });
  expect(headers["etag"]).toBe(`"${acme.id}.3"`);
  expect((await acme.owner.call(at(person.userId))).body).toEqual(body);
  expect((await person.call("/api/v1/users")).status).toBe(200);
  expect(await myTenants(person)).toEqual([[acme.id, "admin"]]);
  const rows = await auditOf(acme.owner, { requestId: headers["x-request-id"] ?? "" });
  expect(rows.map(({ entity, action, changes }) => [entity, action, changes])).toEqual([
    [
      "users",
      "UPDATE",
      {
        deleted_at: { old: expect.any(Number) as number, new: null },
        deleted_by: { old: acme.owner.userId, new: null },
        version: { old: 2, new: 3 },
        updated_at: { old: expect.any(Number) as number, new: Date.parse(body.updatedAt) },
      },
    ],
  ]);
});

test("a user whose address was given to somebody else stays deleted: 409", async () => {
  const email = `${randomUUID()}@delete.test`;
  const [id = ""] = await placeUsers(acme.db, [{ email, deletedAt: 1 }]);
  await placeUsers(acme.db, [{ email }]);
  expect(outcome(await restore<Problem>(acme.owner, id))).toEqual([409, "email_taken"]);
  expect((await acme.owner.call(at(id))).status).toBe(404);
});

test("who was never deleted, or never was, cannot be restored", async () => {
  for (const id of [acme.owner.userId, nobody])
    expect(outcome(await restore<Problem>(acme.owner, id))).toEqual([404, "not_found"]);
});

test("of many who delete one user at once, one does", async () => {
  const [id = ""] = await placeUsers(acme.db, [{}]);
  const answers = await Promise.all(Array.from({ length: 5 }, () => remove(acme.owner, id)));
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 404, 404, 404, 404]);
  expect(await auditOf(acme.owner, { entityId: id, action: "UPDATE" })).toHaveLength(1);
});
