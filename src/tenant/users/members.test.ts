import { beforeAll, expect, test } from "vitest";
import type { z } from "zod";
import { type TenantRole, tenantRoles } from "../../core/roles.ts";
import type { Problem } from "../../http/problem.ts";
import { type Member, newTenant, type Person, type TestTenant } from "../../testing/harness.ts";
import { keyOf } from "../../testing/keys.ts";
import { newOperator } from "../../testing/operators.ts";
import { auditOf, placeUsers } from "../../testing/rows.ts";
import type { TenantMember, TenantMemberPage } from "./members.schema.ts";

type Page = z.infer<typeof TenantMemberPage>;
type Caller = Pick<Person, "call">;

let acme: TestTenant;
let admin: Member;
beforeAll(async () => {
  acme = await newTenant();
  admin = await acme.member({ tenantRole: "admin" });
});

const path = "/api/v1/tenant/members";
const at = (id: string) => `${path}/${id}`;
const any = { "if-match": "*" };
type Headers = Record<string, string | undefined>;
const give = <T = TenantMember>(
  { call }: Caller,
  id: string,
  tenantRole: unknown,
  headers: Headers = any,
) => call<T>(at(id), { method: "PATCH", headers, body: { tenantRole } });
const remove = ({ call }: Caller, id: string, headers: Headers = any) =>
  call<Problem>(at(id), { method: "DELETE", headers });
const outcome = ({ status, body }: { status: number; body: Problem }) =>
  body.code ? `${status} ${body.code}` : `${status}`;
const nobody = "usr_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d";

test("a list shows the living users of the tenant and what each is in it, newest first", async () => {
  const fresh = await newTenant();
  const base = Date.UTC(2031, 0, 1);
  const [ada] = await placeUsers(fresh.db, [
    { name: "Ada", email: "ada@acme.test", status: "suspended", version: 3, createdAt: base },
    { name: "Bob", tenantRole: "admin", createdAt: base + 1 },
    { name: "Gone", tenantRole: "admin", createdAt: base + 2, deletedAt: 1 },
    { name: "Eve", tenantRole: "admin", createdAt: base + 3 },
  ]);
  const list = async (query = "") => (await fresh.owner.call<Page>(`${path}?${query}`)).body;
  const namesIn = ({ data }: Page) => data.map(({ name }) => name);
  const whole = await list();
  expect(namesIn(whole)).toEqual(["Eve", "Bob", "Ada", "Test Person"]);
  expect(whole.meta.totalItems).toBe(4);
  expect(whole.data[2]).toEqual({
    userId: ada,
    name: "Ada",
    email: "ada@acme.test",
    status: "suspended",
    tenantRole: "member",
    version: 3,
    createdAt: "2031-01-01T00:00:00.000Z",
  });
  expect(namesIn(await list("tenantRole=admin&sortOrder=asc"))).toEqual(["Bob", "Eve"]);
  expect(namesIn(await list("tenantRole=owner"))).toEqual(["Test Person"]);
  const first = await list("tenantRole=admin&limit=1");
  expect([namesIn(first), first.meta.totalItems]).toEqual([["Eve"], 2]);
  const next = await list(`tenantRole=admin&limit=1&cursor=${first.meta.nextCursor}`);
  expect([namesIn(next), next.meta.nextCursor]).toEqual([["Bob"], null]);
});

test("owners and admins, their keys and platform admins see the members; no account role does", async () => {
  const boss = await acme.member({ accountRole: "ADMIN" });
  for (const caller of [admin, await keyOf(admin), await newOperator(acme, "read")])
    expect((await caller.call(path)).status).toBe(200);
  const bound = await keyOf(admin, { accountId: acme.accountId });
  for (const caller of [boss, await keyOf(boss), bound])
    expect(outcome(await caller.call<Problem>(path))).toBe("403 forbidden");
});

test("a new tenant role is stored, logged, and holds on the very next request", async () => {
  const { userId, call } = await acme.member();
  const before = (await acme.owner.call<TenantMember>(`/api/v1/users/${userId}`)).headers;
  expect(outcome(await call<Problem>(path))).toBe("403 forbidden");
  const tag = { "if-match": before["etag"] };
  const { status, headers, body } = await give(acme.owner, userId, "admin", tag);
  expect([status, headers["etag"]]).toEqual([200, `"${acme.id}.2"`]);
  expect(body).toMatchObject({ userId, tenantRole: "admin", version: 2 });
  expect((await call(path)).status).toBe(200);
  expect((await give({ call }, userId, "member")).status).toBe(200);
  expect(outcome(await call<Problem>(path))).toBe("403 forbidden");
  const user = await acme.owner.call<object>(`/api/v1/users/${userId}`);
  expect(user.body).toMatchObject({ tenantRole: "member", version: 3, updatedBy: userId });

  const [row, ...more] = await auditOf(acme.owner, { requestId: headers["x-request-id"] ?? "" });
  expect(more).toEqual([]);
  expect(row?.changes).toMatchObject({
    tenant_role: { old: "member", new: "admin" },
    version: { old: 1, new: 2 },
  });
});

test("a role and a membership change only by who says what they read: 428 without, 412 with a stale tag", async () => {
  const globex = await newTenant();
  const { userId } = await acme.member();
  const changes = [
    (headers: Headers) => give<Problem>(acme.owner, userId, "admin", headers),
    (headers: Headers) => remove(acme.owner, userId, headers),
  ];
  for (const change of changes) {
    const told = async (tag: string | undefined) => outcome(await change({ "if-match": tag }));
    expect(await told(undefined)).toBe("428 precondition_required");
    expect(await told(`"${acme.id}.2"`)).toBe("412 precondition_failed");
    expect(await told(`"${globex.id}.1"`)).toBe("412 precondition_failed");
    expect(await told("1")).toBe("400 invalid_request");
  }
  expect((await remove(acme.owner, userId, { "if-match": `"${acme.id}.1"` })).status).toBe(204);
});

/** What an owner and an admin may make of a member of each role; the rest is forbidden. */
const table = (["owner", "admin"] as const).flatMap((by) =>
  tenantRoles.flatMap((from) => tenantRoles.map((to) => [by, from, to] as const)),
);
test.each(table)("%s makes of %s %s only as far as they may", async (by, from, to) => {
  const caller = by === "owner" ? acme.owner : admin;
  const { userId } = await acme.member({ tenantRole: from });
  const fine = by === "owner" || (from !== "owner" && to !== "owner");
  expect(outcome(await give<Problem>(caller, userId, to))).toBe(fine ? "200" : "403 forbidden");
  const { body } = await acme.owner.call<{ tenantRole: TenantRole; version: number }>(
    `/api/v1/users/${userId}`,
  );
  expect(body).toMatchObject(fine ? { tenantRole: to, version: 2 } : { tenantRole: from });
});

test.each(tenantRoles)("who may remove a member whose role is %s", async (role) => {
  const target = () => acme.member({ tenantRole: role });
  const boss = await acme.member({ accountRole: "ADMIN" });
  expect(outcome(await remove(boss, (await target()).userId))).toBe("403 forbidden");
  const byAdmin = outcome(await remove(admin, (await target()).userId));
  expect(byAdmin).toBe(role === "owner" ? "403 forbidden" : "204");
  const { userId, call } = await target();
  expect(outcome(await remove(acme.owner, userId))).toBe("204");
  expect(outcome(await call<Problem>("/api/v1/tenant"))).toBe("403 tenant_forbidden");
  expect(outcome(await remove(acme.owner, userId))).toBe("404 not_found");
});

test("a member who was removed or left is restored by an admin as they were", async () => {
  for (const leaves of [true, false]) {
    const person = await acme.member({ tenantRole: "admin", accountRole: "EDITOR" });
    const gone = leaves
      ? await person.call(at("me"), { method: "DELETE" })
      : await remove(acme.owner, person.userId);
    expect(gone.status).toBe(204);
    expect((await person.call("/api/v1/tenant")).status).toBe(403);
    const restored = await acme.owner.call<{ tenantRole: string; accounts: object[] }>(
      `/api/v1/users/${person.userId}/restoration`,
      { method: "POST" },
    );
    expect(restored.body).toMatchObject({ tenantRole: "admin", accounts: [{ role: "EDITOR" }] });
    expect((await person.call("/api/v1/tenant")).status).toBe(200);
  }
});

test("everybody may leave, in their own name, and only they are gone", async () => {
  for (const seat of [
    {},
    { accountRole: "VIEWER" as const },
    { tenantRole: "admin" as const },
    { tenantRole: "owner" as const },
  ]) {
    const fresh = await newTenant();
    const [person, other] = [await fresh.member(seat), await fresh.member(seat)];
    const left = await person.call(at("me"), { method: "DELETE" });
    expect([left.status, left.body]).toEqual([204, ""]);
    expect(outcome(await person.call<Problem>("/api/v1/tenant"))).toBe("403 tenant_forbidden");
    expect((await other.call("/api/v1/tenant")).status).toBe(200);
    expect((await fresh.owner.call("/api/v1/tenant")).status).toBe(200);
    const [row, ...more] = await auditOf(fresh.owner, {
      requestId: left.headers["x-request-id"] ?? "",
    });
    expect(more).toEqual([]);
    expect(row).toMatchObject({ actorId: person.userId, entityId: person.userId });
    expect(row?.changes).toMatchObject({ deleted_by: { old: null, new: person.userId } });
  }
});

test("leaving is for people: neither their keys nor platform admins do it for them", async () => {
  const person = await acme.member({ accountRole: "ADMIN" });
  const key = await keyOf(person);
  const operator = await newOperator(acme, "write");
  for (const caller of [key, operator])
    expect(outcome(await caller.call<Problem>(at("me"), { method: "DELETE" }))).toBe(
      "403 forbidden",
    );
  expect((await person.call("/api/v1/tenant")).status).toBe(200);
});

test("keys give and take what their owner could; platform admins give and take nothing", async () => {
  const { userId } = await acme.member();
  const key = await keyOf(acme.owner);
  expect(outcome(await give<Problem>(key, userId, "owner"))).toBe("200");
  const lesser = await keyOf(admin);
  expect(outcome(await give<Problem>(lesser, userId, "member"))).toBe("403 forbidden");
  expect(outcome(await remove(lesser, userId))).toBe("403 forbidden");
  const operator = await newOperator(acme, "write");
  const narrow = await keyOf(acme.owner, { scopes: ["MANAGE_ALL_USERS"] });
  for (const caller of [operator, narrow]) {
    expect(outcome(await give<Problem>(caller, userId, "member"))).toBe("403 forbidden");
    expect(outcome(await remove(caller, userId))).toBe("403 forbidden");
  }
  expect(outcome(await remove(key, userId))).toBe("204");
});

test("a user who never was, is gone or is another tenant's answers the same 404", async () => {
  const globex = await newTenant();
  const [gone = ""] = await placeUsers(acme.db, [{ deletedAt: 1 }]);
  for (const id of [nobody, gone, globex.owner.userId])
    for (const answer of [
      await give<Problem>(acme.owner, id, "admin"),
      await remove(acme.owner, id),
    ])
      expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
        404,
        "not_found",
        "No such user",
      ]);
});

test.each<[string, unknown, string]>([
  ["no role", {}, "tenantRole"],
  ["null for a role", { tenantRole: null }, "tenantRole"],
  ["an account role", { tenantRole: "ADMIN" }, "tenantRole"],
  ["a status", { tenantRole: "admin", status: "active" }, ""],
])("a patch that holds %s is refused, and the answer says where", async (_, body, where) => {
  const call = { method: "PATCH", headers: any, body };
  const answer = await acme.owner.call<Problem>(at(nobody), call);
  expect(answer.status).toBe(400);
  expect(answer.body.errors?.map((error) => [error.in, error.path])).toEqual([["body", where]]);
});
