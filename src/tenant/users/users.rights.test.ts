import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../http/problem.ts";
import { type Member, newTenant, type TestTenant } from "../../testing/harness.ts";
import { auditOf, placeAccount, placeInAccount, placeUsers } from "../../testing/rows.ts";
import type { User } from "./users.schema.ts";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

type Caller = Pick<Member, "call">;
const at = (id: string) => `/api/v1/users/${id}`;

/** All ways to manage a living user, in an order that leaves them living, as statuses and codes. */
async function manage({ call }: Caller, id: string) {
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await call<Problem>(path, { method, ...(body === undefined ? {} : { body }) });
    return answer.body.code ?? answer.status;
  };
  return [
    await ask("PATCH", at(id), { name: `Renamed ${randomUUID()}` }),
    await ask("PATCH", at(id), { status: "suspended" }),
    await ask("PATCH", at(id), { status: "active" }),
    await ask("DELETE", at(id)),
    await ask("POST", `${at(id)}/restoration`),
  ];
}
const all = [200, 200, 200, 204, 200];
/** A living user whom the caller may not manage: nothing is there to restore. */
const none = ["forbidden", "forbidden", "forbidden", "forbidden", "not_found"];

test("an owner manages everyone, other owners included", async () => {
  for (const tenantRole of ["owner", "admin", "member"] as const) {
    const { userId } = await acme.member({ tenantRole });
    expect(await manage(acme.owner, userId), tenantRole).toEqual(all);
  }
});

test("an admin manages everyone but owners", async () => {
  const admin = await acme.member({ tenantRole: "admin" });
  for (const tenantRole of ["admin", "member"] as const) {
    const { userId } = await acme.member({ tenantRole });
    expect(await manage(admin, userId), tenantRole).toEqual(all);
  }
  const before = (await admin.call(at(acme.owner.userId))).body;
  expect(await manage(admin, acme.owner.userId)).toEqual(none);
  expect((await admin.call(at(acme.owner.userId))).body).toEqual(before);
});

test("an admin cannot bring an owner back", async () => {
  const admin = await acme.member({ tenantRole: "admin" });
  const [id = ""] = await placeUsers(acme.db, [{ tenantRole: "owner", deletedAt: 1 }]);
  const { status, body } = await admin.call<Problem>(`${at(id)}/restoration`, { method: "POST" });
  expect([status, body.code]).toEqual([403, "forbidden"]);
});

test("the ADMIN of an account manages its plain members; letting back in is for who rules the tenant", async () => {
  const boss = await acme.member({ accountRole: "ADMIN" });
  const peer = await acme.member({ accountRole: "ADMIN" });
  const plain = await acme.member({ accountRole: "VIEWER" });
  const theirs = [200, 200, "forbidden", 204, "forbidden"];
  expect(await manage(boss, plain.userId)).toEqual(theirs);
  expect(await manage(boss, peer.userId)).toEqual(theirs);
});

test("the ADMIN of an account manages nobody who is in no, in another, or also in another account, or rules the tenant", async () => {
  const boss = await acme.member({ accountRole: "ADMIN" });
  const branch = await placeAccount(acme.db, `Branch ${randomUUID()}`);
  const elsewhere = await acme.member();
  await placeInAccount(acme.db, branch, elsewhere.userId, "VIEWER");
  const inBoth = await acme.member({ accountRole: "VIEWER" });
  await placeInAccount(acme.db, branch, inBoth.userId, "ADMIN");
  const tenantAdmin = await acme.member({ tenantRole: "admin", accountRole: "VIEWER" });
  const unattached = await acme.member();
  for (const { userId } of [elsewhere, inBoth, tenantAdmin, acme.owner, unattached])
    expect(await manage(boss, userId), userId).toEqual(none);
  expect(await auditOf(acme.owner, { actorId: boss.userId })).toEqual([]);
});

test("the ADMIN of an account is nothing in another, and nothing without naming one", async () => {
  const boss = await acme.member({ accountRole: "ADMIN" });
  const branch = await placeAccount(acme.db, `Branch ${randomUUID()}`);
  await placeInAccount(acme.db, branch, boss.userId, "EDITOR");
  const [id = ""] = await placeUsers(acme.db, [{}]);
  await placeInAccount(acme.db, branch, id, "VIEWER");
  const attempt = async (accountId: string | undefined) => {
    const options = { method: "DELETE", headers: { "account-id": accountId } };
    const { status, body } = await boss.call<Problem>(at(id), options);
    return [status, body.code];
  };
  expect(await attempt(branch)).toEqual([403, "forbidden"]);
  expect(await attempt(undefined)).toEqual([400, "account_required"]);
  expect(await attempt("acc_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d")).toEqual([
    403,
    "account_forbidden",
  ]);
});

test("nobody names an account that is closed or not theirs, not even by a malformed id", async () => {
  const boss = await acme.member({ accountRole: "ADMIN" });
  const closed = await placeAccount(acme.db, `Closed ${randomUUID()}`, { active: false });
  await placeInAccount(acme.db, closed, boss.userId, "ADMIN");
  const foreign = (await newTenant()).accountId;
  for (const accountId of [closed, foreign, "acme", "none"]) {
    const headers = { "account-id": accountId };
    const { status, body } = await boss.call<Problem>("/api/v1/users", { headers });
    expect([status, body.code], accountId).toEqual([403, "account_forbidden"]);
  }
});

test("a MANAGER reads the users, and changes none", async () => {
  const manager = await acme.member({ accountRole: "MANAGER" });
  const plain = await acme.member({ accountRole: "VIEWER" });
  expect((await manager.call("/api/v1/users")).status).toBe(200);
  expect((await manager.call<User>(at(plain.userId))).status).toBe(200);
  const refused = "forbidden";
  expect(await manage(manager, plain.userId)).toEqual([
    refused,
    refused,
    refused,
    refused,
    refused,
  ]);
});

test("the last active owner can be neither suspended nor deleted, be there suspended and pending ones", async () => {
  const solo = await newTenant();
  await placeUsers(solo.db, [
    { tenantRole: "owner", status: "suspended" },
    { tenantRole: "owner", status: "pending" },
    { tenantRole: "owner", status: "active", deletedAt: 1 },
    { tenantRole: "admin", status: "active" },
  ]);
  const { call, userId } = solo.owner;
  const suspension = await call<Problem>(at(userId), {
    method: "PATCH",
    body: { status: "suspended" },
  });
  expect([suspension.status, suspension.body.code]).toEqual([409, "last_owner"]);
  const deletion = await call<Problem>(at(userId), { method: "DELETE" });
  expect([deletion.status, deletion.body.code]).toEqual([409, "last_owner"]);
  expect((await call<User>(at(userId))).body).toMatchObject({ status: "active", version: 1 });
  expect((await call(at(userId), { method: "PATCH", body: { name: "Fine" } })).status).toBe(200);
});
