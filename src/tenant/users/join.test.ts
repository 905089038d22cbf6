import { expect, test } from "vitest";
import { codeOf } from "../../testing/client.ts";
import {
  newPerson,
  newTenant,
  type Person,
  settings,
  stack,
  type TestTenant,
} from "../../testing/harness.ts";
import { startProxy } from "../../testing/proxy.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { awaited, indexOf, type Seat } from "../../testing/rows.ts";
import { startWorker } from "../../testing/worker.ts";

/** Everything about people in the tenant, to see that nothing changed. */
const peopleOf = async ({ db }: TestTenant) => ({
  users: await rowsOf(db, "select * from users order by id"),
  identities: await rowsOf(db, "select * from user_identities order by subject"),
  members: await rowsOf(db, "select * from account_members order by user_id"),
  log: await rowsOf(
    db,
    "select * from audit_logs where entity <> 'user_sessions' order by sequence",
  ),
});

const get = "/api/v1/tenant";

test("twenty first calls at once make one user, and all of them are served", async () => {
  for (let round = 0; round < 3; round++) {
    const tenant = await newTenant();
    const ada = await awaited(tenant, { accountRole: "EDITOR" });
    const answers = await Promise.all(Array.from({ length: 20 }, () => ada.call(get)));
    expect(answers.map(codeOf)).toEqual(Array(20).fill("200"));

    const { users, identities, members, log } = await peopleOf(tenant);
    const [user, ...others] = users.filter(({ id }) => id !== tenant.owner.userId);
    expect(others).toEqual([]);
    expect(user).toMatchObject({ email: ada.email, name: "Test Person", status: "active" });
    expect(user).toMatchObject({ tenant_role: "member", version: 1, deleted_at: null });
    const userId = user?.["id"];
    expect(identities.filter((row) => row["user_id"] === userId)).toEqual([
      {
        id: expect.stringMatching(/^idn_/),
        issuer: settings.identityProvider.issuer,
        subject: ada.subject,
        user_id: userId,
        email: ada.email,
        created_at: expect.any(Number),
      },
    ]);
    expect(members.filter((row) => row["user_id"] === userId)).toEqual([
      {
        account_id: tenant.accountId,
        user_id: userId,
        role: "EDITOR",
        created_at: expect.any(Number),
        version: 1,
      },
    ]);
    const arrival = log.filter((row) => String(row["changes"]).includes(String(userId)));
    expect(arrival.map((row) => `${row["actor_id"]} ${row["action"]} ${row["entity"]}`)).toEqual([
      "system INSERT users",
      "system INSERT user_identities",
      "system INSERT account_members",
    ]);
    expect(await indexOf(tenant, ada)).toEqual([{ role: "member", status: "active" }]);
  }
});

test("a person arrives with exactly the rights that waited for them", async () => {
  const tenant = await newTenant();
  const seats: Seat[] = [
    { role: "owner", accountRole: null },
    { role: "admin", accountRole: "BILLING" },
    { role: "member", accountRole: "MANAGER" },
    { role: "member", accountRole: null },
  ];
  for (const { role, accountRole } of seats as Required<Seat>[]) {
    const person = await awaited(tenant, { role, accountRole });
    const { body } = await person.call("/api/v1/auth/me");
    expect(body["membership"]).toMatchObject({
      tenantRole: role,
      accounts: accountRole ? [{ accountId: tenant.accountId, role: accountRole }] : [],
    });
    expect(await indexOf(tenant, person)).toEqual([{ role, status: "active" }]);
  }
});

test("a first call that is a write they may not make is refused as such, and they are in", async () => {
  const tenant = await newTenant();
  const create = (person: Person, headers = {}) =>
    person.call("/api/v1/users", {
      method: "POST",
      body: { name: "Eve", email: `${person.subject.slice(6)}@x.test` },
      headers: { "x-tenant-id": tenant.slug, ...headers },
    });
  const account = { "account-id": tenant.accountId };
  const viewer = await awaited(tenant);
  expect(codeOf(await create(viewer, account))).toBe("403 forbidden");
  expect(codeOf(await viewer.call(get))).toBe("200");
  const member = await awaited(tenant);
  expect(codeOf(await create(member))).toBe("400 account_required");
  const admin = await awaited(tenant, { accountRole: "ADMIN" });
  expect(codeOf(await create(admin, account))).toBe("201");
});

test("nobody comes in for whom no membership waits", async () => {
  const [tenant, other] = await Promise.all([newTenant(), newTenant()]);
  const before = await peopleOf(tenant);
  const headers = { "x-tenant-id": tenant.slug };
  expect(codeOf(await newPerson().call(get, { headers }))).toBe("403 tenant_forbidden");
  const elsewhere = await awaited(other);
  expect(codeOf(await elsewhere.call(get, { headers }))).toBe("403 tenant_forbidden");
  expect(await peopleOf(tenant)).toEqual(before);
  expect(await indexOf(other, elsewhere)).toEqual([{ role: "member", status: "waiting" }]);
});

test("a deleted user does not come back through a membership that still waits", async () => {
  const tenant = await newTenant();
  const gone = await tenant.member({ accountRole: "ADMIN" });
  await awaited(tenant, { role: "owner" }, gone);
  const removed = await tenant.owner.call(`/api/v1/users/${gone.userId}`, { method: "DELETE" });
  expect(removed.status).toBe(204);
  expect(await indexOf(tenant, gone)).toEqual([]);

  const stale = await awaited(tenant, { role: "owner" }, gone);
  const before = await peopleOf(tenant);
  const answers = await Promise.all(Array.from({ length: 5 }, () => stale.call(get)));
  expect(answers.map(codeOf)).toEqual(Array(5).fill("403 tenant_forbidden"));
  expect(await peopleOf(tenant)).toEqual(before);
  expect(await indexOf(tenant, gone)).toEqual([{ role: "owner", status: "waiting" }]);
});

test("an e-mail address alone never leads to a user who has it, active or not yet", async () => {
  const tenant = await newTenant();
  const { body } = await tenant.owner.call("/api/v1/users", {
    method: "POST",
    body: { name: "Pia", email: "pia@acme.test" },
  });
  const pending = { ...newPerson(), email: String(body["email"]) };
  for (const { email } of [tenant.owner, pending]) {
    const namesake = await awaited(tenant, { role: "admin" });
    const before = await peopleOf(tenant);
    const token = await namesake.token({ email: email.toUpperCase() });
    const headers = { authorization: `Bearer ${token}` };
    expect(codeOf(await namesake.call(get, { headers }))).toBe("409 email_taken");
    expect(await peopleOf(tenant)).toEqual(before);
    expect(await indexOf(tenant, namesake)).toEqual([{ role: "admin", status: "waiting" }]);
  }
});

test("without a verified e-mail address nobody comes in", async () => {
  const tenant = await newTenant();
  const ada = await awaited(tenant);
  const before = await peopleOf(tenant);
  for (const claims of [
    { email_verified: false },
    { email_verified: "true" },
    { email: undefined },
  ]) {
    const headers = { authorization: `Bearer ${await ada.token(claims)}` };
    expect(codeOf(await ada.call(get, { headers }))).toBe("403 verified_email_required");
  }
  expect(await peopleOf(tenant)).toEqual(before);
  expect(codeOf(await ada.call(get))).toBe("200");
});

test("nobody joins a suspended tenant", async () => {
  const tenant = await newTenant();
  const ada = await awaited(tenant);
  await execute(tenant.db, "update tenant_identity set status = 'suspended'");
  const before = await peopleOf(tenant);
  expect(codeOf(await ada.call(get))).toBe("403 tenant_forbidden");
  expect(await peopleOf(tenant)).toEqual(before);
});

test("when the index cannot be written after a user arrived, they are in all the same, once", async () => {
  const proxy = await startProxy(stack.settings);
  const variables = { ...stack.settings, ...proxy.settings };
  const worker = await startWorker({ bundle: stack.bundle, settings: variables });
  try {
    const tenant = await newTenant();
    const ada = await awaited(tenant, {}, newPerson(worker.url));
    const crash = proxy.disturb({
      of: ({ namespace, body }) =>
        namespace === "registry" && body.includes("tenant_users") && body.includes("audit_context"),
      at: "request",
      by: "cut",
    });
    expect(codeOf(await ada.call(get))).toBe("503 dependency_unavailable");
    expect(await indexOf(tenant, ada)).toEqual([{ role: "member", status: "waiting" }]);
    const arrived = await peopleOf(tenant);
    expect(arrived.users).toHaveLength(2);
    expect(codeOf(await ada.call(get))).toBe("200");
    crash.lift();
    expect(codeOf(await ada.call(get))).toBe("200");
    expect(await peopleOf(tenant)).toEqual(arrived);

    const userId = arrived.users.find(({ email }) => email === ada.email)?.["id"];
    await tenant.owner.call(`/api/v1/users/${userId}`, { method: "DELETE" });
    expect(codeOf(await ada.call(get))).toBe("403 tenant_forbidden");
    expect(await indexOf(tenant, ada)).toEqual([]);
  } finally {
    await worker.stop();
    await proxy.stop();
  }
});
