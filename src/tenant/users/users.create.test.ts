import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { accountRoles } from "../../core/roles.ts";
import type { Problem } from "../../http/problem.ts";
import { type Member, newTenant, type TestTenant } from "../../testing/harness.ts";
import { auditOf, placeAccount, placeInAccount, placeUsers } from "../../testing/rows.ts";
import type { User } from "./users.schema.ts";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

const path = "/api/v1/users";
const create = <T = User>(
  { call }: Pick<Member, "call">,
  body: unknown,
  headers: Record<string, string> = {},
) => call<T>(path, { method: "POST", body, headers });
const newAddress = () => `${randomUUID()}@create.test`;
const count = async ({ call }: Pick<Member, "call">, search: string) => {
  const { body } = await call<{ meta: { totalItems: number } }>(
    `${path}?search=${encodeURIComponent(search)}`,
  );
  return body.meta.totalItems;
};

test("a user is stored as sent, starts pending, and the answer says where they are", async () => {
  const email = newAddress();
  const { status, headers, body } = await create(acme.owner, {
    email: `  ${email.toUpperCase()} `,
    name: "  Ada Lovelace ",
    profileImage: "https://cdn.acme.test/ada.png",
  });
  expect(status).toBe(201);
  expect(body).toEqual({
    id: expect.stringMatching(/^usr_/) as string,
    email,
    name: "Ada Lovelace",
    profileImage: "https://cdn.acme.test/ada.png",
    status: "pending",
    tenantRole: "member",
    version: 1,
    createdAt: expect.any(String) as string,
    updatedAt: body.createdAt,
    createdBy: acme.owner.userId,
    updatedBy: acme.owner.userId,
    accounts: [{ accountId: acme.accountId, name: `Tenant ${acme.slug}`, role: "VIEWER" }],
  });
  expect(Math.abs(Date.parse(body.createdAt) - Date.now())).toBeLessThan(20_000);
  expect(headers["location"]).toBe(`${path}/${body.id}`);
  expect(headers["etag"]).toBe(`"${acme.id}.1"`);
  const got = await acme.owner.call<User>(`${path}/${body.id}`);
  expect([got.status, got.headers["etag"]]).toEqual([200, headers["etag"]]);
  expect(got.body).toEqual(body);
});

test("an image may be null, and without one there is none", async () => {
  const bare = await create(acme.owner, { email: newAddress(), name: "A" });
  const cleared = await create(acme.owner, { email: newAddress(), name: "A", profileImage: null });
  expect([bare.status, cleared.status]).toEqual([201, 201]);
  expect([bare.body.profileImage, cleared.body.profileImage]).toEqual([null, null]);
});

test.each(accountRoles)("a user starts with the account role they are given: %s", async (role) => {
  const { status, body } = await create(acme.owner, { email: newAddress(), name: "A", role });
  expect(status).toBe(201);
  expect(body.accounts.map((account) => account.role)).toEqual([role]);
  expect(body.tenantRole).toBe("member");
});

test("a user joins every account they are given, once each, and no other", async () => {
  const [east, west] = await Promise.all([
    placeAccount(acme.db, `East ${randomUUID()}`),
    placeAccount(acme.db, `West ${randomUUID()}`),
  ]);
  const { status, body } = await create(acme.owner, {
    email: newAddress(),
    name: "A",
    role: "EDITOR",
    accountIds: [west, east, west],
  });
  expect(status).toBe(201);
  expect(body.accounts.map(({ accountId, role }) => [accountId, role])).toEqual([
    [east, "EDITOR"],
    [west, "EDITOR"],
  ]);
});

test("without accountIds a user joins the account the caller works in", async () => {
  const branch = await placeAccount(acme.db, `Branch ${randomUUID()}`);
  const boss = await acme.member();
  await placeInAccount(acme.db, branch, boss.userId, "ADMIN");
  const new_ = { email: newAddress(), name: "A" };
  const { status, body } = await create(boss, new_, { "account-id": branch });
  expect(status).toBe(201);
  expect(body.accounts.map(({ accountId }) => accountId)).toEqual([branch]);
  const byOwner = await create(
    acme.owner,
    { ...new_, email: newAddress() },
    { "account-id": branch },
  );
  expect(byOwner.body.accounts.map(({ accountId }) => accountId)).toEqual([branch]);
});

test("an account that is unknown, deleted, another tenant's or not the caller's answers the same 404 and stores nothing", async () => {
  const globex = await newTenant();
  const boss = await acme.member({ accountRole: "ADMIN" });
  const [foreign, closed, branch] = [
    globex.accountId,
    await placeAccount(acme.db, `Closed ${randomUUID()}`, { deletedAt: 1 }),
    await placeAccount(acme.db, `Branch ${randomUUID()}`),
  ];
  const unknown = "acc_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d";
  const address = newAddress();
  const attempts = [
    [acme.owner, unknown],
    [acme.owner, foreign],
    [acme.owner, closed],
    [boss, branch],
    [boss, unknown],
  ] as const;
  for (const [who, accountId] of attempts) {
    const accountIds = [acme.accountId, accountId];
    const answer = await create<Problem>(who, { email: address, name: "A", accountIds });
    expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
      404,
      "not_found",
      "No such account",
    ]);
  }
  expect(await count(acme.owner, address)).toBe(0);
  expect(await auditOf(acme.owner, { entity: "users", actorId: boss.userId })).toEqual([]);
});

test("an address is given once, whatever its case, and to one of many who ask at once", async () => {
  const email = newAddress();
  const answers = await Promise.all(
    [email, email.toUpperCase(), email, email, ` ${email}`].map((address) =>
      create<Problem>(acme.owner, { email: address, name: "A" }),
    ),
  );
  const refused = answers.filter(({ status }) => status === 409);
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  expect(refused.map(({ body }) => body.code)).toEqual(refused.map(() => "email_taken"));
  expect(await count(acme.owner, email)).toBe(1);
});

test("the address of a deleted user is free again", async () => {
  const email = newAddress();
  await placeUsers(acme.db, [{ email, deletedAt: 1 }]);
  expect((await create(acme.owner, { email, name: "A" })).status).toBe(201);
});

test("the audit log holds the new user and their membership, with who, whence and every value", async () => {
  const email = newAddress();
  const { status, headers, body } = await create(
    acme.owner,
    { email, name: "Ada" },
    {
      "account-id": acme.accountId,
      "x-request-id": `create-${randomUUID()}`,
      "cf-connecting-ip": "203.0.113.7",
      "user-agent": "suite/1.0 (a test)",
    },
  );
  expect(status).toBe(201);
  const requestId = headers["x-request-id"] ?? "";
  const rows = await auditOf(acme.owner, { requestId });
  const [first] = rows;
  const common = {
    id: expect.stringMatching(/^aud_\d+$/) as string,
    at: expect.any(String) as string,
    actorType: "user",
    actorId: acme.owner.userId,
    accountId: acme.accountId,
    requestId,
    transactionId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/) as string,
    reason: null,
    ip: "203.0.113.7",
    userAgent: "suite/1.0 (a test)",
    action: "INSERT",
  };
  const added = (row: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, { old: null, new: value }]),
    );
  const [createdAt, actor] = [Date.parse(body.createdAt), acme.owner.userId];
  const changes = rows.filter(({ entity }) => entity !== "invitations");
  expect(rows.map(({ entity, action }) => `${action} ${entity}`).slice(0, 3)).toEqual([
    "INSERT users",
    "INSERT account_members",
    "INSERT invitations",
  ]);
  expect(changes).toEqual([
    {
      ...common,
      entity: "users",
      entityId: body.id,
      changes: added({
        id: body.id,
        email,
        name: "Ada",
        status: "pending",
        tenant_role: "member",
        version: 1,
        created_at: createdAt,
        updated_at: createdAt,
        created_by: actor,
        updated_by: actor,
      }),
    },
    {
      ...common,
      entity: "account_members",
      entityId: `${acme.accountId}:${body.id}`,
      changes: added({
        account_id: acme.accountId,
        user_id: body.id,
        role: "VIEWER",
        version: 1,
        created_at: createdAt,
      }),
    },
  ]);
  expect(changes.map(({ transactionId }) => transactionId)).toEqual(
    changes.map(() => first?.transactionId),
  );
});
