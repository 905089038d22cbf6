import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../http/problem.ts";
import { type Member, newTenant, type TestTenant } from "../../testing/harness.ts";
import { auditOf, placeUsers } from "../../testing/rows.ts";
import type { User } from "./users.schema.ts";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

const at = (id: string) => `/api/v1/users/${id}`;
const patch = <T = User>(
  { call }: Pick<Member, "call">,
  id: string,
  body: unknown,
  headers: Record<string, string> = {},
) => call<T>(at(id), { method: "PATCH", body, headers });
const get = async (id: string) => (await acme.owner.call<User>(at(id))).body;
const newAddress = () => `${randomUUID()}@update.test`;

async function newUser(row: Parameters<typeof placeUsers>[1][number] = {}): Promise<User> {
  const [id = ""] = await placeUsers(acme.db, [row]);
  return await get(id);
}

test("a patch changes what it holds and nothing else", async () => {
  const before = await newUser({ name: "Ada", profileImage: "https://cdn.acme.test/a.png" });
  const renamed = await patch(acme.owner, before.id, { name: "  Ada Lovelace " });
  expect(renamed.status).toBe(200);
  expect(renamed.body).toEqual({
    ...before,
    name: "Ada Lovelace",
    version: 2,
    updatedBy: acme.owner.userId,
    updatedAt: expect.any(String) as string,
  });
  expect(Date.parse(renamed.body.updatedAt)).toBeGreaterThan(Date.parse(before.updatedAt));
  expect(renamed.headers["etag"]).toBe(`"${acme.id}.2"`);
  expect(await get(before.id)).toEqual(renamed.body);

  const email = newAddress();
  const cleared = await patch(acme.owner, before.id, {
    profileImage: null,
    email: email.toUpperCase(),
  });
  expect(cleared.body).toEqual({
    ...renamed.body,
    profileImage: null,
    email,
    version: 3,
    updatedAt: expect.any(String) as string,
  });
});

test("a patch may come under the name RFC 7396 gives it", async () => {
  const user = await newUser();
  const headers = { "content-type": "application/merge-patch+json" };
  const { status, body } = await patch(acme.owner, user.id, { name: "Merged" }, headers);
  expect([status, body.name]).toEqual([200, "Merged"]);
});

test("If-Match lets a change through only while the user is what the caller saw", async () => {
  const { id } = await newUser();
  const tag = (await acme.owner.call(at(id))).headers["etag"] ?? "";
  const rename = (name: string, ifMatch: string) =>
    patch<Partial<Problem>>(acme.owner, id, { name }, { "if-match": ifMatch });
  expect((await rename("First", tag)).status).toBe(200);
  const stale = await rename("Second", tag);
  expect([stale.status, stale.body.code]).toEqual([412, "precondition_failed"]);
  expect((await get(id)).name).toBe("First");
  expect((await rename("Third", `"other", "${acme.id}.2"`)).status).toBe(200);
  expect((await rename("Fourth", "*")).status).toBe(200);
  expect((await rename("Weak", `W/"${acme.id}.4"`)).status).toBe(412);
  expect((await rename("Future", `"${acme.id}.5"`)).status).toBe(412);
  const malformed = await rename("Bare", `${acme.id}.4`);
  expect([malformed.status, malformed.body.errors]).toEqual([
    400,
    [{ in: "header", path: "if-match", message: "is not an entity tag" }],
  ]);
  expect((await patch(acme.owner, id, { name: "Without" })).body).toMatchObject({
    name: "Without",
    version: 5,
  });
});

test("another tenant's tag never matches, be the version the same", async () => {
  const globex = await newTenant();
  const { id } = await newUser();
  const headers = { "if-match": `"${globex.id}.1"` };
  expect((await patch(acme.owner, id, { name: "X" }, headers)).status).toBe(412);
});

test("an address of another living user answers 409 and changes nothing; one's own and a free one do", async () => {
  const taken = await newUser({ email: newAddress() });
  const user = await newUser({ email: newAddress(), name: "Before" });
  const conflict = await patch<Problem>(acme.owner, user.id, {
    email: taken.email.toUpperCase(),
    name: "After",
  });
  expect([conflict.status, conflict.body.code]).toEqual([409, "email_taken"]);
  expect(await get(user.id)).toEqual(user);
  expect((await patch(acme.owner, user.id, { email: user.email.toUpperCase() })).status).toBe(200);
  const free = newAddress();
  await placeUsers(acme.db, [{ email: free, deletedAt: 1 }]);
  expect((await patch(acme.owner, user.id, { email: free })).body.email).toBe(free);
});

test("a suspended user is out on their next request, and in again once reactivated", async () => {
  const { userId, call } = await acme.member();
  const enter = async () => {
    const { status, body } = await call<Problem>("/api/v1/tenant");
    return [status, body.code];
  };
  expect(await enter()).toEqual([200, undefined]);
  const suspended = await patch(acme.owner, userId, { status: "suspended" });
  expect([suspended.status, suspended.body.status]).toEqual([200, "suspended"]);
  expect(await enter()).toEqual([403, "user_suspended"]);
  const active = await patch(acme.owner, userId, { status: "active" });
  expect(active.body.status).toBe("active");
  expect(await enter()).toEqual([200, undefined]);
});

test("reactivating somebody nobody can sign in as makes them pending, not active", async () => {
  const { id } = await newUser({ status: "pending" });
  await patch(acme.owner, id, { status: "suspended" });
  expect((await patch(acme.owner, id, { status: "active" })).body.status).toBe("pending");
});

test("a change is in the audit log with exactly what it changed, before and after", async () => {
  const user = await newUser({ name: "Ada", profileImage: "https://cdn.acme.test/a.png" });
  const boss = await acme.member({ tenantRole: "admin" });
  const { headers, body } = await patch(
    boss,
    user.id,
    { name: "Ada L.", profileImage: null },
    { "cf-connecting-ip": "2001:db8::7", "user-agent": "suite/2.0" },
  );
  const requestId = headers["x-request-id"] ?? "";
  const moment = Date.parse(body.updatedAt);
  expect(await auditOf(acme.owner, { requestId })).toEqual([
    {
      id: expect.any(String) as string,
      at: expect.any(String) as string,
      actorType: "user",
      actorId: boss.userId,
      accountId: null,
      requestId,
      transactionId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/) as string,
      reason: null,
      ip: "2001:db8::7",
      userAgent: "suite/2.0",
      action: "UPDATE",
      entity: "users",
      entityId: user.id,
      changes: {
        name: { old: "Ada", new: "Ada L." },
        profile_image: { old: "https://cdn.acme.test/a.png", new: null },
        version: { old: 1, new: 2 },
        updated_at: { old: Date.parse(user.updatedAt), new: moment },
        updated_by: { old: null, new: boss.userId },
      },
    },
  ]);
});

test("a change that was refused leaves no trace in the audit log", async () => {
  const user = await newUser();
  const headers = { "if-match": `"${acme.id}.9"`, "x-request-id": randomUUID() };
  expect((await patch(acme.owner, user.id, { name: "X" }, headers)).status).toBe(412);
  expect(await auditOf(acme.owner, { requestId: headers["x-request-id"] })).toEqual([]);
});

test("what is no id of a user is a bad request, and an id of nobody not found", async () => {
  for (const id of ["you", "1", acme.accountId, `${acme.owner.userId}%00`]) {
    const { status, body } = await patch<Problem>(acme.owner, id, { name: "X" });
    expect([status, body.errors?.map(({ path }) => path)], id).toEqual([400, ["id"]]);
  }
  const [deleted = ""] = await placeUsers(acme.db, [{ deletedAt: 1 }]);
  for (const id of ["usr_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d", deleted]) {
    const { status, body } = await patch<Problem>(acme.owner, id, { name: "X" });
    expect([status, body.code, body.detail], id).toEqual([404, "not_found", "No such user"]);
  }
});
