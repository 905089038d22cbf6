import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { batch } from "../../db/batch.ts";
import type { Problem } from "../../http/problem.ts";
import { newTenant, type TestTenant } from "../../testing/harness.ts";
import { auditOf, placeUsers } from "../../testing/rows.ts";
import { users } from "../users/users.table.ts";
import type { AuditLog } from "./audit.schema.ts";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

const path = "/api/v1/audit-logs";
type Page = { data: AuditLog[]; meta: { totalItems: number; nextCursor: string | null } };

async function list(query: Record<string, string>, { owner } = acme): Promise<Page> {
  const { status, body } = await owner.call<Page>(`${path}?${new URLSearchParams(query)}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}
/** The owner's session is in the log, as soon as they were seen. */
async function newSeenTenant() {
  const tenant = await newTenant();
  await tenant.owner.call("/api/v1/tenant");
  const signIn = async () => (await list({ entity: "user_sessions" }, tenant)).data.length;
  await expect.poll(signIn).toBe(1);
  return tenant;
}
const idsOf = ({ data }: Page) => data.map(({ entityId }) => entityId);

test("the log lists changes newest first, and the founding of the tenant is its beginning", async () => {
  const fresh = await newSeenTenant();
  const { data, meta } = await list({}, fresh);
  expect(data.map(({ entity, action, actorType }) => [entity, action, actorType])).toEqual([
    ["user_sessions", "INSERT", "user"],
    ["account_members", "INSERT", "system"],
    ["user_identities", "INSERT", "system"],
    ["users", "INSERT", "system"],
    ["settings", "INSERT", "system"],
    ["accounts", "INSERT", "system"],
    ["tenant_identity", "INSERT", "system"],
  ]);
  expect(meta).toMatchObject({ totalItems: 7, nextCursor: null });
  const oldestFirst = await list({ sortOrder: "asc" }, fresh);
  expect(oldestFirst.data).toEqual([...data].reverse());
});

test("each filter leaves what matches it, and several what matches all", async () => {
  const boss = await acme.member({ tenantRole: "admin" });
  const [first = "", second = ""] = await placeUsers(acme.db, [{}, {}]);
  const requestId = randomUUID();
  const patch = { method: "PATCH", headers: { "x-request-id": requestId }, body: { name: "New" } };
  await boss.call(`/api/v1/users/${first}`, patch);
  await acme.owner.call(`/api/v1/users/${second}`, { ...patch, headers: {} });

  const actions = (page: Page) => page.data.map(({ action }) => action);
  expect(actions(await list({ entityId: first }))).toEqual(["UPDATE", "INSERT"]);
  expect(actions(await list({ entityId: first, action: "INSERT" }))).toEqual(["INSERT"]);
  expect(idsOf(await list({ actorId: boss.userId, entity: "users" }))).toEqual([first]);
  expect(idsOf(await list({ actorId: acme.owner.userId, entity: "users" }))).toContain(second);
  expect(idsOf(await list({ requestId, action: "UPDATE" }))).toEqual([first]);
  expect(idsOf(await list({ requestId, entityId: second }))).toEqual([]);
  expect(idsOf(await list({ entity: "accounts", entityId: first }))).toEqual([]);
  const inserted = await list({ entity: "accounts", action: "INSERT" });
  expect(idsOf(inserted)).toEqual([acme.accountId]);
  expect(inserted.meta.totalItems).toBe(1);
});

test("from is included and to is not, in any time zone", async () => {
  const [id = ""] = await placeUsers(acme.db, [{}]);
  const [row] = await auditOf(acme.owner, { entityId: id });
  const at = Date.parse(row?.at ?? "");
  const between = async (from: number, to: number) =>
    idsOf(
      await list({
        entityId: id,
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
      }),
    );
  expect(await between(at, at + 1)).toEqual([id]);
  expect(await between(at - 1, at)).toEqual([]);
  expect(await between(at + 1, at + 2)).toEqual([]);
  const inIndia = `${new Date(at + 5.5 * 3_600_000).toISOString().slice(0, -1)}+05:30`;
  expect(idsOf(await list({ entityId: id, from: inIndia }))).toEqual([id]);
  expect(idsOf(await list({ entityId: id, to: inIndia }))).toEqual([]);
});

test("cursors lead past every change once while new ones are written", async () => {
  const busy = await newSeenTenant();
  await placeUsers(busy.db, [{}, {}, {}, {}, {}]);
  const before = (await list({ limit: "100" }, busy)).data.map(({ id }) => id);
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Page = await list({ limit: "3", ...(cursor && { cursor }) }, busy);
    seen.push(...page.data.map(({ id }) => id));
    cursor = page.meta.nextCursor;
    await placeUsers(busy.db, [{}]);
  }
  expect(seen).toEqual(before);
});

test.each([
  ["action", "DROP"],
  ["from", "yesterday"],
  ["from", "2026-01-01"],
  ["from", "2026-02-30T00:00:00Z"],
  ["to", "1700000000000"],
  ["to", "2026-01-01T00:00:00"],
  ["sortBy", "actorId"],
  ["entity", ""],
  ["entity", "users\u0000"],
  ["actorId", "a".repeat(201)],
  ["limit", "101"],
  ["cursor", "garbage"],
])("the query %s=%j is refused, and the answer names it", async (name, value) => {
  const { status, body } = await acme.owner.call<Problem>(
    `${path}?${new URLSearchParams({ [name]: value })}`,
  );
  expect(status).toBe(400);
  expect(body.errors?.map((error) => [error.in, error.path])).toEqual([["query", name]]);
});

test("the log is for owners and admins of the tenant; the ADMIN of an account is not one", async () => {
  const admin = await acme.member({ tenantRole: "admin" });
  const boss = await acme.member({ accountRole: "ADMIN" });
  expect((await admin.call(path)).status).toBe(200);
  const { status, body } = await boss.call<Problem>(path);
  expect([status, body.code]).toEqual([403, "forbidden"]);
});

test("no request and no statement changes or removes what the log holds", async () => {
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    const { status, headers } = await acme.owner.call(path, { method });
    expect([status, headers["allow"]], method).toEqual([405, "GET, HEAD"]);
  }
  const before = await list({ entity: "tenant_identity" });
  for (const statement of [
    sql`update audit_logs set actor_id = 'nobody'`,
    sql`delete from audit_logs`,
  ])
    await expect(batch(acme.db, "write", [acme.db.run(statement) as never])).rejects.toThrow(
      "append-only",
    );
  expect(await list({ entity: "tenant_identity" })).toEqual(before);
});

test("a write that passes by every feature is in the log all the same, as the system's", async () => {
  const [id = ""] = await placeUsers(acme.db, [{ name: "Before" }]);
  const table = acme.db.update(users).set({ name: "After" });
  await batch(acme.db, "write", [table.where(sql`id = ${id}`)] as const);
  const [, row] = await auditOf(acme.owner, { entityId: id });
  expect(row).toEqual({
    id: expect.any(String) as string,
    at: expect.any(String) as string,
    actorType: "system",
    actorId: "system",
    accountId: null,
    ip: null,
    userAgent: null,
    transactionId: null,
    requestId: null,
    reason: null,
    action: "UPDATE",
    entity: "users",
    entityId: id,
    changes: { name: { old: "Before", new: "After" } },
  });
});
