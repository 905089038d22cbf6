import { eq, sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { systemRequest } from "../core/request.ts";
import { platformOf } from "../ports.backends.ts";
import { findRoute } from "../registry/tenants/locate.service.ts";
import { settings as tenantSettings } from "../tenant/settings/settings.table.ts";
import { users } from "../tenant/users/users.table.ts";
import { testBudget } from "../testing/databases.ts";
import { newTenant, registry, settings } from "../testing/harness.ts";
import { execute, rowsOf } from "../testing/raw-sql.ts";
import { type Database, openTenantDb } from "./connect.ts";
import { isUniqueViolation } from "./faults.ts";
import { contextOf, GuardRefused, must, write, writeAudited } from "./write.ts";

const logOf = (db: Database) => rowsOf(db, "select * from audit_logs order by sequence");
const leftOf = (db: Database) => rowsOf(db, "select * from audit_context");

const newRequest = () => ({ ...systemRequest("test"), ip: "192.0.2.7", userAgent: "test" });

/** All a failed batch may have changed. */
const stateOf = async (db: Database) => ({
  log: await logOf(db),
  context: await leftOf(db),
  users: await rowsOf(db, "select * from users"),
  settings: await rowsOf(db, "select * from settings"),
});

test("what a batch changes is logged for its actor and request, and the context is gone with it", async () => {
  const { db, owner } = await newTenant();
  const request = newRequest();
  const rename = db.update(users).set({ name: "Renamed" }).where(eq(users.id, owner.userId));
  await writeAudited(
    db,
    contextOf(request, { type: "system", id: "the-janitor" }),
    [write(rename)],
    [],
  );
  expect((await logOf(db)).at(-1)).toEqual({
    sequence: expect.any(Number),
    actor_type: "system",
    actor_id: "the-janitor",
    account_id: null,
    transaction_id: request.transactionId,
    request_id: request.requestId,
    ip: "192.0.2.7",
    user_agent: "test",
    reason: null,
    at: expect.any(Number),
    entity: "users",
    entity_id: owner.userId,
    action: "UPDATE",
    changes: JSON.stringify({ name: { old: "Test Person", new: "Renamed" } }),
  });
  expect(await leftOf(db)).toEqual([]);
});

test("the context is empty after every request, done, refused or failed, in both kinds of database", async () => {
  const { db, owner, member } = await newTenant();
  const viewer = await member({ accountRole: "VIEWER" });
  const body = { name: "Ada", email: "ada@acme.test" };
  const create = (person: typeof owner) =>
    person.call("/api/v1/users", { method: "POST", body }).then(({ status }) => status);
  expect(await create(owner)).toBe(201);
  expect(await create(owner)).toBe(409);
  expect(await create(viewer)).toBe(403);
  expect(await leftOf(db)).toEqual([]);
  expect(await leftOf(registry)).toEqual([]);
});

test("a statement that fails undoes the whole batch and leaves no audit row", async () => {
  const { db, owner } = await newTenant();
  const before = await stateOf(db);
  const work = writeAudited(
    db,
    contextOf(newRequest()),
    [
      write(db.update(tenantSettings).set({ value: { changed: true } })),
      write(db.insert(users).select(sql`select * from users where id = ${owner.userId}`)),
    ],
    [],
  );
  await expect(work).rejects.toSatisfy((error) => isUniqueViolation(error, "users.email"));
  expect(await stateOf(db)).toEqual(before);
});

test("a precondition that meets no row undoes what came before and stops what comes after", async () => {
  const { db, owner } = await newTenant();
  const before = await stateOf(db);
  const missed = new Error("nobody is called that");
  const work = writeAudited(
    db,
    contextOf(newRequest()),
    [
      must(db.update(tenantSettings).set({ value: { changed: true } }), () => new Error("first")),
      must(db.update(users).set({ name: "x" }).where(eq(users.name, "nobody")), () => missed),
      must(
        db.update(users).set({ name: "y" }).where(eq(users.id, owner.userId)),
        () => new Error("last"),
      ),
    ],
    [],
  );
  await expect(work).rejects.toBe(missed);
  expect(await stateOf(db)).toEqual(before);
});

test("a batch without an actor does nothing", async () => {
  const { db } = await newTenant();
  const before = await stateOf(db);
  const nobody = { ...contextOf(newRequest()), actorId: sql`null` };
  const erase = write(db.delete(users));
  await expect(writeAudited(db, nobody, [erase], [])).rejects.toBeInstanceOf(GuardRefused);
  expect(await stateOf(db)).toEqual(before);
});

test("what a foreign key deletes along with a row is logged as well", async () => {
  const { db, accountId, owner } = await newTenant();
  await execute(db, `delete from users where id = '${owner.userId}'`);
  const gone = await rowsOf(
    db,
    "select entity, entity_id, actor_id from audit_logs where action = 'DELETE' order by entity",
  );
  expect(gone).toEqual([
    { entity: "account_members", entity_id: `${accountId}:${owner.userId}`, actor_id: "system" },
    {
      entity: "user_identities",
      entity_id: `${settings.identityProvider.issuer}:${owner.subject}`,
      actor_id: "system",
    },
    { entity: "users", entity_id: owner.userId, actor_id: "system" },
  ]);
});

test("history cannot be changed, removed or written over, not with the tenant's own token either", async () => {
  const { id } = await newTenant();
  const route = await findRoute(registry, id, platformOf(settings, fetch), settings.ENCRYPTION_KEY);
  if (!route) throw new Error("The tenant is not there");
  const db = openTenantDb(route.address, testBudget(), id);
  const before = await logOf(db);
  expect(before.length).toBeGreaterThan(0);
  const columns = "sequence, actor_type, actor_id, entity, entity_id, action, changes, at";
  const forged = "1, 'user', 'nobody', 'users', 'x', 'INSERT', '{}', 0";
  const attempts = [
    "update audit_logs set actor_id = 'nobody'",
    "update audit_logs set at = 0 where sequence = 1",
    "delete from audit_logs",
    "delete from audit_logs where sequence = 1",
    `insert or replace into audit_logs (${columns}) values (${forged})`,
    `replace into audit_logs (${columns}) values (${forged})`,
    `insert into audit_logs (${columns}) values (${forged}) on conflict do update set at = 0`,
    "update or replace audit_logs set sequence = 1 where sequence = 2",
  ];
  for (const attempt of attempts)
    await expect(execute(db, attempt), attempt).rejects.toThrow(/audit_logs is append-only/);
  expect(await logOf(db)).toEqual(before);
});
