import { eq } from "drizzle-orm";
import { beforeAll, describe, expect, test } from "vitest";
import { permissions, permissionsOf } from "../../core/permissions.ts";
import { type AccountRole, accountRoles } from "../../core/roles.ts";
import { batch } from "../../db/batch.ts";
import type { Problem } from "../../http/problem.ts";
import { type Answer, type Call, codeOf } from "../../testing/client.ts";
import { dump } from "../../testing/dump.ts";
import { naming, newTenant, stack, type TestTenant } from "../../testing/harness.ts";
import { type IssuedKey, issueKey, programWith } from "../../testing/keys.ts";
import { auditOf, placeAccount, placeInAccount } from "../../testing/rows.ts";
import { startWorker } from "../../testing/worker.ts";
import { accountMembers } from "../accounts/accounts.table.ts";
import { users } from "../users/users.table.ts";
import type { ApiKey } from "./api-keys.schema.ts";
import { apiKeys } from "./api-keys.table.ts";

const path = "/api/v1/api-keys";
const create = (person: { call: (path: string, call: Call) => Promise<Answer> }, body: object) =>
  person.call(path, { method: "POST", body: { name: "Key", scopes: [], ...body } });

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

test("a key is shown once, names its tenant, and only its digest is stored", async () => {
  const { key, ...issued } = await issueKey(acme.owner, { scopes: ["VIEW_ALL_USERS"] });
  expect(key).toMatch(/^tnt_live_[0-9a-f]{32}_[\w-]{54}$/);
  expect(key).toContain(acme.id.slice("tnt_".length).replaceAll("-", ""));
  expect(key.startsWith(issued.hint)).toBe(true);

  const shown = await acme.owner.call<ApiKey>(`${path}/${issued.id}`);
  expect(shown.body).toMatchObject({
    scopes: ["VIEW_ALL_USERS"],
    ownerId: acme.owner.userId,
    accountId: null,
    lastUsedAt: null,
    revokedAt: null,
  });
  const days = (Date.parse(shown.body.expiresAt ?? "") - Date.parse(shown.body.createdAt)) / 864e5;
  expect(days).toBe(90);
  const everything = JSON.stringify([await dump(acme.db), shown.body, await acme.owner.call(path)]);
  expect(everything).not.toContain(key);
  expect(everything).not.toContain(key.slice(-54));
  const [entry] = await auditOf(acme.owner, { entityId: issued.id });
  expect(entry?.changes["hash"]).toEqual({ old: null, new: "[redacted]" });
});

test("a key needs no header to find its tenant, and works for its owner", async () => {
  const { key } = await issueKey(acme.owner, { scopes: permissions });
  const program = programWith(key);
  const made = await program.call<{ createdBy: string }>("/api/v1/users", {
    method: "POST",
    body: { name: "Ada", email: "by-key@acme.test" },
  });
  const { id } = await issueKey(acme.owner);
  expect(made.status).toBe(201);
  expect(made.body.createdBy).toMatch(/^key_/);
  const [entry] = await auditOf(acme.owner, { actorId: made.body.createdBy, entity: "users" });
  expect(entry).toMatchObject({ actorType: "key", action: "INSERT" });
  expect(id).not.toBe(made.body.createdBy);
});

test("a tenant or host that disagrees with the key is refused", async () => {
  const globex = await newTenant();
  const { key } = await issueKey(acme.owner, { scopes: permissions });
  const ask = (headers: Record<string, string>) => programWith(key, headers).call("/api/v1/users");
  expect(codeOf(await ask({ "x-tenant-id": acme.slug }))).toBe("200");
  expect(codeOf(await ask({ "x-tenant-id": acme.id }))).toBe("200");
  expect(codeOf(await ask({ "x-tenant-id": globex.slug }))).toBe("403 tenant_mismatch");
  expect(codeOf(await ask({ "x-tenant-id": globex.id }))).toBe("403 tenant_mismatch");
  expect(codeOf(await ask({ host: `${globex.slug}.localhost` }))).toBe("403 tenant_mismatch");
  expect(codeOf(await ask({ host: `${acme.slug}.localhost` }))).toBe("200");
});

test("a key opens nothing but routes of its tenant", async () => {
  const { key } = await issueKey(acme.owner, { scopes: permissions });
  const program = programWith(key);
  for (const route of ["/api/v1/auth/me", "/api/v1/tenants", "/api/v1/admin/tenants"])
    expect(codeOf(await program.call(route)), route).toBe("401 unauthenticated");
});

describe("what a key may do is what its scopes leave of its owner's role", () => {
  test.each(accountRoles)("nobody issues a key beyond themselves: %s", async (role) => {
    const member = await acme.member({ accountRole: role });
    for (const scope of permissions) {
      const { status, body } = await create(member, { scopes: [scope] });
      const may = permissionsOf[role].includes(scope);
      expect(`${scope} ${status}`).toBe(`${scope} ${may ? 201 : 403}`);
      if (may) expect(body).toMatchObject({ accountId: acme.accountId, ownerId: member.userId });
    }
  });

  /** Who owns it, what it names, what it asks, and whether that is open to it. */
  const asks: [AccountRole, AccountRole, string, boolean][] = [
    ["ADMIN", "ADMIN", "/api/v1/users", true],
    ["ADMIN", "MANAGER", "/api/v1/users", true],
    ["ADMIN", "EDITOR", "/api/v1/users", false],
    ["MANAGER", "MANAGER", "/api/v1/users", true],
    ["MANAGER", "EDITOR", "/api/v1/users", false],
    ["EDITOR", "EDITOR", "/api/v1/users", false],
    ["ADMIN", "ADMIN", "/api/v1/invitations", true],
    ["ADMIN", "MANAGER", "/api/v1/invitations", false],
    ["MANAGER", "MANAGER", "/api/v1/invitations", false],
  ];
  test.each(asks)("the key of a %s with the scopes of a %s at %s: %j", async (...ask) => {
    const [role, scopes, route, open] = ask;
    const member = await acme.member({ accountRole: role });
    const { key } = await issueKey(member, { scopes: permissionsOf[scopes] });
    expect((await programWith(key).call(route)).status).toBe(open ? 200 : 403);
  });

  test("a key falls with its owner: role, membership, standing", async () => {
    const boss = await acme.member({ accountRole: "ADMIN" });
    const { key } = await issueKey(boss, { scopes: permissions });
    const program = programWith(key);
    const ask = async () => codeOf(await program.call("/api/v1/users"));
    const role = (to: AccountRole) =>
      acme.db
        .update(accountMembers)
        .set({ role: to })
        .where(eq(accountMembers.userId, boss.userId));
    const be = (row: Partial<typeof users.$inferInsert>) =>
      acme.db.update(users).set(row).where(eq(users.id, boss.userId));
    expect(await ask()).toBe("200");
    await role("EDITOR");
    expect(await ask()).toBe("403 forbidden");
    await role("MANAGER");
    expect(await ask()).toBe("200");
    await be({ status: "suspended" });
    expect(await ask()).toBe("401 unauthenticated");
    await be({ status: "active", deletedAt: 1 });
    expect(await ask()).toBe("401 unauthenticated");
    await be({ deletedAt: null });
    expect(await ask()).toBe("200");
    await acme.db.delete(accountMembers).where(eq(accountMembers.userId, boss.userId));
    expect(await ask()).toBe("403 account_forbidden");
  });
});

test("a key of an account works there and nowhere else, a key of the tenant wherever it is told", async () => {
  const branch = await placeAccount(acme.db, "Branch of keys");
  const boss = await acme.member({ accountRole: "ADMIN" });
  await placeInAccount(acme.db, branch, boss.userId, "ADMIN");
  const inBranch = naming(boss, { "account-id": branch });
  const { key } = await issueKey(inBranch, { scopes: permissions });
  const whole = await issueKey(acme.owner, { scopes: permissions });
  const ask = async (text: string, account?: string) =>
    codeOf(await programWith(text, account ? { "account-id": account } : {}).call("/api/v1/users"));
  expect(await ask(key)).toBe("200");
  expect(await ask(key, branch)).toBe("200");
  expect(await ask(key, acme.accountId)).toBe("403 account_forbidden");
  expect(await ask(whole.key)).toBe("200");
  expect(await ask(whole.key, branch)).toBe("200");
  expect(await ask(whole.key, "acc_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d")).toBe(
    "403 account_forbidden",
  );
  expect(codeOf(await create(boss, { accountId: branch }))).toBe("404 not_found");
  expect(codeOf(await create(acme.owner, { accountId: branch }))).toBe("201");
});

test("a key of an account rules no more than the account, whoever owns it", async () => {
  const bound = await issueKey(acme.owner, { scopes: permissions, accountId: acme.accountId });
  const whole = await issueKey(acme.owner, { scopes: permissions });
  const most = await issueKey(acme.owner, { scopes: permissions.slice(1) });
  const ask = async ({ key }: { key: string }) =>
    codeOf(await programWith(key).call("/api/v1/audit-logs"));
  expect(await ask(whole)).toBe("200");
  expect(await ask(bound)).toBe("403 forbidden");
  expect(await ask(most)).toBe("403 forbidden");
});

test("a revoked key is refused on the next request, and stays in the list", async () => {
  const { id, key } = await issueKey(acme.owner, { scopes: permissions });
  const program = programWith(key);
  expect((await program.call("/api/v1/users")).status).toBe(200);
  expect((await acme.owner.call(`${path}/${id}`, { method: "DELETE" })).status).toBe(204);
  const refused = await program.call<Problem>("/api/v1/users");
  expect([refused.status, refused.body.code]).toEqual([401, "unauthenticated"]);
  expect(refused.headers["www-authenticate"]).toContain('error="invalid_token"');
  expect(codeOf(await acme.owner.call(`${path}/${id}`, { method: "DELETE" }))).toBe(
    "404 not_found",
  );
  const { body } = await acme.owner.call(`${path}/${id}`);
  expect(body["revokedAt"]).toEqual(expect.any(String));
});

test("an expired key is refused, and one is not issued expired", async () => {
  const past = new Date(Date.now() - 1000).toISOString();
  expect(codeOf(await create(acme.owner, { expiresAt: past }))).toBe("400 invalid_request");
  const soon = new Date(Date.now() + 1500).toISOString();
  const { key } = await issueKey(acme.owner, { scopes: permissions, expiresAt: soon });
  const ask = async () => codeOf(await programWith(key).call("/api/v1/users"));
  expect(await ask()).toBe("200");
  await expect.poll(ask, { timeout: 4000 }).toBe("401 unauthenticated");
  const forever = await create(acme.owner, { expiresAt: null });
  expect(forever.body["expiresAt"]).toBeNull();
});

test("a rotated key is good beside its successor for the overlap, and no longer", async () => {
  const old = await issueKey(acme.owner, { scopes: ["VIEW_ALL_USERS", "VIEW_CONTENT"] });
  const rotate = (id: string, body: object) =>
    acme.owner.call<ApiKey & { key: string }>(`${path}/${id}/rotation`, { method: "POST", body });
  const rotated = await rotate(old.id, { overlapMinutes: 5 });
  expect(rotated).toMatchObject({ status: 201, body: { name: "Test key" } });
  expect(rotated.body.scopes).toEqual(["VIEW_ALL_USERS", "VIEW_CONTENT"]);
  const ask = async (key: string) => codeOf(await programWith(key).call("/api/v1/roles"));
  expect([await ask(old.key), await ask(rotated.body.key)]).toEqual(["200", "200"]);
  const before = await acme.owner.call<ApiKey>(`${path}/${old.id}`);
  expect(before.body.replacedBy).toBe(rotated.body.id);
  expect(Date.parse(before.body.expiresAt ?? "")).toBeLessThanOrEqual(Date.now() + 5 * 60_000);
  expect(codeOf(await rotate(old.id, {}))).toBe("409 conflict");

  const next = await rotate(rotated.body.id, { overlapMinutes: 0 });
  expect(await ask(rotated.body.key)).toBe("401 unauthenticated");
  expect(await ask(next.body.key)).toBe("200");
  expect(codeOf(await rotate("key_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d", {}))).toBe(
    "404 not_found",
  );
});

test("whoever rotates a key takes it over, if they may do what it may", async () => {
  const leaver = await acme.member({ accountRole: "ADMIN" });
  const { id } = await issueKey(leaver, { scopes: permissions });
  const manager = await acme.member({ accountRole: "MANAGER" });
  const rotate = (person: typeof leaver) =>
    person.call(`${path}/${id}/rotation`, { method: "POST", body: {} });
  expect(codeOf(await rotate(manager))).toBe("404 not_found");
  const taken = await rotate(acme.owner);
  expect(taken).toMatchObject({ status: 201, body: { ownerId: acme.owner.userId } });
  await acme.db.update(users).set({ deletedAt: 1 }).where(eq(users.id, leaver.userId));
  expect((await programWith(String(taken.body["key"])).call("/api/v1/users")).status).toBe(200);
});

test("one sees one's own keys, an ADMIN those of the account, who rules the tenant all", async () => {
  const globex = await newTenant();
  const [viewer, boss] = [
    await globex.member({ accountRole: "VIEWER" }),
    await globex.member({ accountRole: "ADMIN" }),
  ];
  const keys = {
    viewers: await issueKey(viewer),
    bosses: await issueKey(boss),
    owners: await issueKey(globex.owner),
  };
  const seen = async (person: typeof viewer) => {
    const { body } = await person.call<{ data: ApiKey[] }>(path);
    return body.data.map(({ id }) => id).sort();
  };
  const ids = (...some: { id: string }[]) => some.map(({ id }) => id).sort();
  expect(await seen(viewer)).toEqual(ids(keys.viewers));
  expect(await seen(boss)).toEqual(ids(keys.viewers, keys.bosses));
  expect(await seen(globex.owner)).toEqual(ids(keys.viewers, keys.bosses, keys.owners));
  const end = (person: typeof viewer, { id }: { id: string }) =>
    person.call(`${path}/${id}`, { method: "DELETE" });
  expect(codeOf(await end(viewer, keys.bosses))).toBe("404 not_found");
  expect(codeOf(await end(boss, keys.owners))).toBe("404 not_found");
  expect(codeOf(await end(boss, keys.viewers))).toBe("204");
});

test("nobody ends or replaces the key of who stands higher", async () => {
  const globex = await newTenant();
  const boss = await globex.member({ accountRole: "ADMIN" });
  const admin = await globex.member({ tenantRole: "admin", accountRole: "ADMIN" });
  const inAccount = { accountId: globex.accountId };
  const [owners, admins, bosses] = [
    await issueKey(globex.owner, inAccount),
    await issueKey(admin, inAccount),
    await issueKey(boss, inAccount),
  ];
  const rotate = (who: typeof boss, { id }: { id: string }) =>
    who.call(`${path}/${id}/rotation`, { method: "POST", body: { overlapMinutes: 0 } });
  const end = (who: typeof boss, { id }: { id: string }) =>
    who.call(`${path}/${id}`, { method: "DELETE" });
  for (const [who, key] of [
    [boss, owners],
    [boss, admins],
    [admin, owners],
  ] as const)
    for (const act of [rotate, end]) expect(codeOf(await act(who, key))).toBe("403 forbidden");
  expect(codeOf(await rotate(admin, bosses))).toBe("201");
  expect(codeOf(await end(admin, bosses))).toBe("204");
  expect(codeOf(await end(globex.owner, admins))).toBe("204");
});

test("of a chain of replacements two are good", async () => {
  const chain = [await issueKey(acme.owner, { scopes: permissions })];
  for (let i = 0; i < 3; i++) {
    const rotation = { method: "POST", body: { overlapMinutes: 10_080 } };
    const answer = await acme.owner.call(`${path}/${chain.at(-1)?.id}/rotation`, rotation);
    chain.push(answer.body as unknown as IssuedKey);
  }
  const outcomes = chain.map(async ({ key }) =>
    codeOf(await programWith(key).call("/api/v1/users")),
  );
  expect(await Promise.all(outcomes)).toEqual([
    "401 unauthenticated",
    "401 unauthenticated",
    "200",
    "200",
  ]);
});

test("keys end with the user they belong to, and do not come back with them", async () => {
  const globex = await newTenant();
  const member = await globex.member({ accountRole: "ADMIN" });
  const { key } = await issueKey(member, { scopes: permissions });
  const user = `/api/v1/users/${member.userId}`;
  expect((await globex.owner.call(user, { method: "DELETE" })).status).toBe(204);
  expect((await globex.owner.call(`${user}/restoration`, { method: "POST" })).status).toBe(200);
  expect(codeOf(await member.call("/api/v1/users"))).toBe("200");
  expect(codeOf(await programWith(key).call("/api/v1/users"))).toBe("401 unauthenticated");
});

test("of 25 issued at once where one is left, one is issued", async () => {
  const settings = { ...stack.settings, MAX_API_KEYS: "3" };
  const worker = await startWorker({ bundle: stack.bundle, settings });
  try {
    const globex = await newTenant(worker.url);
    const first = await issueKey(globex.owner);
    await issueKey(globex.owner);
    const answers = await Promise.all(Array.from({ length: 25 }, () => create(globex.owner, {})));
    const counts = Object.groupBy(answers, codeOf);
    expect(counts["201"]).toHaveLength(1);
    expect(counts["403 quota_exceeded"]).toHaveLength(24);
    expect(counts["403 quota_exceeded"]?.[0]?.body["detail"]).toContain("3 API keys of 3");
    expect(await globex.db.select().from(apiKeys)).toHaveLength(3);

    const rotation = { method: "POST", body: {} };
    expect((await globex.owner.call(`${path}/${first.id}/rotation`, rotation)).status).toBe(201);
    expect(codeOf(await create(globex.owner, {}))).toBe("403 quota_exceeded");
    await globex.owner.call(`${path}/${first.id}`, { method: "DELETE" });
    const [row] = await batch(globex.db, "read", [globex.db.select().from(apiKeys)] as const);
    await globex.owner.call(`${path}/${row[1]?.id}`, { method: "DELETE" });
    const member = await globex.member({ accountRole: "VIEWER" });
    expect(codeOf(await create(member, {})), "a fifth for one of many").toBe("201");
    expect(codeOf(await create(member, {}))).toBe("403 quota_exceeded");
    await globex.owner.call(`${path}/${row[2]?.id}`, { method: "DELETE" });
    const more = await create(member, {});
    expect(more.body["detail"]).toContain("You have 1 API keys of 1");
    expect(codeOf(await create(globex.owner, {}))).toBe("201");
  } finally {
    await worker.stop();
  }
});

test("use shows: when and from where, at most once a minute", async () => {
  const { id, key } = await issueKey(acme.owner, { scopes: permissions });
  const program = programWith(key, { "cf-connecting-ip": "203.0.113.9" });
  await Promise.all([program.call("/api/v1/users"), program.call("/api/v1/users")]);
  const get = async () => (await acme.owner.call<ApiKey>(`${path}/${id}`)).body;
  await expect.poll(async () => (await get()).lastUsedAt).toEqual(expect.any(String));
  const first = await get();
  expect(first.lastUsedIp).toBe("203.0.113.9");
  await program.call("/api/v1/users");
  expect(await get()).toEqual(first);
});

test.each([
  ["scopes", { scopes: ["EVERYTHING"] }],
  ["scopes", { scopes: "VIEW_CONTENT" }],
  ["name", { name: "" }],
  ["accountId", { accountId: "x" }],
  ["expiresAt", { expiresAt: "tomorrow" }],
])("a wrong %s is named", async (field, body) => {
  const answer = await create(acme.owner, body);
  expect(codeOf(answer)).toBe("400 invalid_request");
  const { errors = [] } = answer.body as unknown as Problem;
  expect(errors.map((error) => error.path.split(".")[0])).toEqual([field]);
});

test.each([
  ["cut short", (key: string) => key.slice(0, -1)],
  ["with another letter", (key: string) => key.replace(/.$/, (c) => (c === "A" ? "B" : "A"))],
  ["of another tenant", (key: string) => key.replace(/_[0-9a-f]{8}/, "_01234567")],
  ["with another prefix", (key: string) => key.replace("tnt_live_", "tnt_inv_")],
  ["with a tail", (key: string) => `${key}.x`],
])("a key %s is refused", async (_, spoil) => {
  const { key } = await issueKey(acme.owner, { scopes: permissions });
  const answer = await programWith(spoil(key)).call("/api/v1/users");
  expect(codeOf(answer)).toBe("401 unauthenticated");
});
