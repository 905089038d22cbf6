import { randomUUID } from "node:crypto";
import type { Client, Transaction } from "@libsql/client/http";
import { and, count, eq, notInArray } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseNameOf } from "../platform/platform.ts";
import type { Call } from "../testing/client.ts";
import { beside } from "../testing/dump.ts";
import { type Member, newTenant, stack, type TestTenant } from "../testing/harness.ts";
import { type DatabaseProxy, startProxy } from "../testing/proxy.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";
import { accountMembers, accounts } from "./accounts/accounts.table.ts";
import { auditLogs } from "./audit/audit.table.ts";
import { tenantIdentity } from "./identity/identity.table.ts";
import { userIdentities, users } from "./users/users.table.ts";

let proxy: DatabaseProxy;
let workers: readonly RunningWorker[];

beforeAll(async () => {
  proxy = await startProxy(stack.settings);
  // What a Worker remembers of a tenant outlives every test: only the tenant's database can tell.
  const settings = { ...stack.settings, ...proxy.settings, ROUTE_CACHE_SECONDS: "3600" };
  const start = () => startWorker({ bundle: stack.bundle, settings });
  workers = await Promise.all([start(), start()]);
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await proxy.stop();
});

/** The same request to every Worker: status and error code of each. */
const everywhere = (member: Member, path: string, options: Call = {}) =>
  Promise.all(
    workers.map(async ({ url }) => {
      const { status, body } = await member.call(`${url}${path}`, options);
      return status < 400 ? `${status}` : `${status} ${body["code"]}`;
    }),
  );

const twice = (answer: string) => [answer, answer];
const newUser = () => ({
  method: "POST",
  headers: { "x-request-id": randomUUID() },
  body: { name: "Ada", email: `${randomUUID()}@acme.test` },
});

/** How much a request left behind: rows of users with its address, rows of audit with its id. */
async function tracesOf({ db }: TestTenant, { body, headers }: ReturnType<typeof newUser>) {
  const [[stored], [audited]] = await Promise.all([
    db.select({ rows: count() }).from(users).where(eq(users.email, body.email)),
    db
      .select({ rows: count() })
      .from(auditLogs)
      .where(
        and(eq(auditLogs.requestId, headers["x-request-id"]), notInArray(auditLogs.entity, beside)),
      ),
  ]);
  return { users: stored?.rows, audit: audited?.rows };
}
const nothing = { users: 0, audit: 0 };

type Change = (tenant: TestTenant, member: Member) => PromiseLike<unknown>;
const userOf = ({ userId }: Member) => eq(users.id, userId);
const accountOf = ({ accountId }: TestTenant) => eq(accounts.id, accountId);

const suspendUser: Change = ({ db }, member) =>
  db.update(users).set({ status: "suspended" }).where(userOf(member));
const deleteUser: Change = ({ db }, member) =>
  db.update(users).set({ deletedAt: Date.now() }).where(userOf(member));
const unlinkIdentity: Change = ({ db }, { userId }) =>
  db.delete(userIdentities).where(eq(userIdentities.userId, userId));
const suspendTenant: Change = ({ db }) => db.update(tenantIdentity).set({ status: "suspended" });
const lowerTenantRole: Change = ({ db }, member) =>
  db.update(users).set({ tenantRole: "member" }).where(userOf(member));
const membershipOf = (tenant: TestTenant, { userId }: Member) =>
  and(eq(accountMembers.userId, userId), eq(accountMembers.accountId, tenant.accountId));
const lowerAccountRole: Change = (tenant, member) =>
  tenant.db.update(accountMembers).set({ role: "VIEWER" }).where(membershipOf(tenant, member));
const removeFromAccount: Change = (tenant, member) =>
  tenant.db.delete(accountMembers).where(membershipOf(tenant, member));
const closeAccount: Change = (tenant) =>
  tenant.db.update(accounts).set({ active: false }).where(accountOf(tenant));
const deleteAccount: Change = (tenant) =>
  tenant.db.update(accounts).set({ deletedAt: Date.now() }).where(accountOf(tenant));

test.each<[string, Change, string]>([
  ["a suspended user", suspendUser, "403 user_suspended"],
  ["a deleted user", deleteUser, "403 tenant_forbidden"],
  ["an unlinked identity", unlinkIdentity, "403 tenant_forbidden"],
  ["a suspended tenant", suspendTenant, "403 tenant_suspended"],
  ["a lowered account role", lowerAccountRole, "403 forbidden"],
  ["a membership that ended", removeFromAccount, "403 account_forbidden"],
  ["an account that was closed", closeAccount, "403 account_forbidden"],
  ["an account that was deleted", deleteAccount, "403 account_forbidden"],
])("%s holds on the very next request everywhere", async (_, change, refusal) => {
  const acme = await newTenant();
  const admin = await acme.member({ accountRole: "ADMIN" });
  expect(await everywhere(admin, "/api/v1/users")).toEqual(twice("200"));

  await change(acme, admin);
  const create = newUser();
  expect(await everywhere(admin, "/api/v1/users")).toEqual(twice(refusal));
  expect(await everywhere(admin, "/api/v1/users", create)).toEqual(twice(refusal));
  expect(await tracesOf(acme, create)).toEqual(nothing);
});

test("a lowered tenant role holds on the very next request everywhere", async () => {
  const acme = await newTenant();
  const admin = await acme.member({ tenantRole: "admin", accountRole: "VIEWER" });
  expect(await everywhere(admin, "/api/v1/audit-logs")).toEqual(twice("200"));
  expect(await everywhere(admin, "/api/v1/users")).toEqual(twice("200"));

  await lowerTenantRole(acme, admin);
  expect(await everywhere(admin, "/api/v1/audit-logs")).toEqual(twice("403 forbidden"));
  expect(await everywhere(admin, "/api/v1/users")).toEqual(twice("403 forbidden"));
  expect(await everywhere(admin, "/api/v1/users", newUser())).toEqual(twice("403 forbidden"));
  expect(await everywhere(admin, "/api/v1/roles")).toEqual(twice("200"));
});

test("who is let in again is in again on the very next request everywhere", async () => {
  const acme = await newTenant();
  const admin = await acme.member({ accountRole: "ADMIN", status: "suspended" });
  expect(await everywhere(admin, "/api/v1/users")).toEqual(twice("403 user_suspended"));
  await acme.db.update(users).set({ status: "active" }).where(userOf(admin));
  expect(await everywhere(admin, "/api/v1/users")).toEqual(twice("200"));
});

/** Fires the request while `change` waits to be committed, and commits once the batch is at the server. */
async function during(
  acme: TestTenant,
  member: Member,
  change: (transaction: Transaction) => Promise<unknown>,
  request: ReturnType<typeof newUser>,
) {
  await everywhere(member, "/api/v1/roles");
  const { $client } = acme.db as unknown as { $client: Client };
  const transaction = await $client.transaction("write");
  await change(transaction);
  const before = proxy.passages.length;
  const arrived = () =>
    proxy.passages
      .slice(before)
      .filter(
        ({ namespace, body }) => namespace === databaseNameOf(acme.id) && /"insert/i.test(body),
      );
  let answers = 0;
  const answer = everywhere(member, "/api/v1/users", request).finally(() => answers++);
  await expect.poll(() => arrived().length).toBeGreaterThanOrEqual(2);
  expect(answers, "answered while the change was under way").toBe(0);
  await transaction.commit();
  return (await answer).sort();
}

test.each<[string, string, string]>([
  ["a role", "update account_members set role = 'VIEWER' where user_id = :user", "403 forbidden"],
  [
    "a user's standing",
    "update users set status = 'suspended' where id = :user",
    "403 user_suspended",
  ],
  [
    "a tenant's standing",
    "update tenant_identity set status = 'suspended'",
    "403 tenant_suspended",
  ],
])("%s lowered during a write never lets the write through", async (_, sql, refusal) => {
  const acme = await newTenant();
  const admin = await acme.member({ accountRole: "ADMIN" });
  const create = newUser();
  const args: Record<string, string> = sql.includes(":user") ? { user: admin.userId } : {};
  const answers = await during(acme, admin, (open) => open.execute({ sql, args }), create);
  expect(answers).toEqual(twice(refusal));
  expect(await tracesOf(acme, create)).toEqual(nothing);
});

test("a role raised during a write lets the write through", async () => {
  const acme = await newTenant();
  const viewer = await acme.member({ accountRole: "VIEWER" });
  const create = newUser();
  const raise = {
    sql: "update account_members set role = 'ADMIN' where user_id = :user",
    args: { user: viewer.userId },
  };
  const answers = await during(acme, viewer, (open) => open.execute(raise), create);
  expect(answers, "the same address twice").toEqual(["201", "409 email_taken"]);
  expect(await tracesOf(acme, create)).toEqual({ users: 1, audit: 3 });
});
