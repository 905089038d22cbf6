import { expect, test } from "vitest";
import { newId } from "../core/id.ts";
import { permissions } from "../core/permissions.ts";
import { naming, newPerson, newTenant, type TestTenant } from "../testing/harness.ts";
import { issueKey, programWith } from "../testing/keys.ts";
import { rowsOf } from "../testing/raw-sql.ts";

type Row = {
  actor_type: string;
  actor_id: string;
  entity_id: string;
  reason: string;
  ip: string | null;
  request_id: string;
};
const denials = ({ db }: TestTenant) =>
  rowsOf<Row>(db, "select * from audit_logs where action = 'DENY' order by sequence");
const told = async (tenant: TestTenant) =>
  (await denials(tenant)).map(
    ({ actor_id, entity_id, reason }) => `${actor_id} ${entity_id} ${reason}`,
  );

test("a refusal is in the tenant's log: who, what, why, from where", async () => {
  const acme = await newTenant();
  const viewer = await acme.member({ accountRole: "VIEWER" });
  const headers = { "cf-connecting-ip": "203.0.113.7", "x-request-id": "refused-request" };
  await viewer.call("/api/v1/users", { headers });
  await expect
    .poll(() => denials(acme))
    .toMatchObject([
      {
        actor_type: "user",
        actor_id: viewer.userId,
        entity: "requests",
        entity_id: "GET /api/v1/users",
        reason: "forbidden",
        changes: "{}",
        ip: "203.0.113.7",
        request_id: "refused-request",
        account_id: acme.accountId,
      },
    ]);
  const listed = await acme.owner.call<{ data: object[] }>("/api/v1/audit-logs?action=DENY");
  expect(listed.body.data).toMatchObject([{ action: "DENY", reason: "forbidden" }]);
});

test("the same refusal is written once a minute, each other one for itself", async () => {
  const acme = await newTenant();
  const viewer = await acme.member({ accountRole: "VIEWER" });
  const create = { method: "POST", body: { name: "Ada", email: "ada@acme.test" } };
  await Promise.all(Array.from({ length: 20 }, () => viewer.call("/api/v1/users")));
  await Promise.all(Array.from({ length: 20 }, () => viewer.call("/api/v1/users", create)));
  await expect
    .poll(() => told(acme))
    .toEqual([
      `${viewer.userId} GET /api/v1/users forbidden`,
      `${viewer.userId} POST /api/v1/users forbidden`,
    ]);
});

test("whoever asks for ever more paths fills nobody's log: it tells of ten a minute", async () => {
  const acme = await newTenant();
  const viewer = await acme.member({ accountRole: "VIEWER" });
  for (let i = 0; i < 15; i++) await viewer.call(`/api/v1/users/${newId("user")}`);
  await expect.poll(() => denials(acme)).toHaveLength(10);
  await new Promise((wake) => setTimeout(wake, 200));
  expect(await denials(acme)).toHaveLength(10);
});

test("whoever was known and is out is written down, in each way to be out", async () => {
  const acme = await newTenant();
  const suspended = await acme.member({ status: "suspended" });
  const signedOut = await acme.member();
  const { id, key } = await issueKey(acme.owner, { scopes: permissions });
  await signedOut.call("/api/v1/sessions/current", { method: "DELETE" });
  await acme.owner.call(`/api/v1/api-keys/${id}`, { method: "DELETE" });
  for (const caller of [suspended, signedOut, programWith(key)])
    await caller.call("/api/v1/tenant");
  await expect
    .poll(async () => (await told(acme)).sort())
    .toEqual(
      [
        `${suspended.userId} GET /api/v1/tenant user_suspended`,
        `${signedOut.userId} GET /api/v1/tenant session_revoked`,
        `${id} GET /api/v1/tenant unauthenticated`,
      ].sort(),
    );
});

test("rules beyond the route's are written down too", async () => {
  const acme = await newTenant();
  const admin = await acme.member({ tenantRole: "admin" });
  const remove = { method: "DELETE" };
  await admin.call(`/api/v1/users/${acme.owner.userId}`, remove);
  await expect
    .poll(() => told(acme))
    .toEqual([`${admin.userId} DELETE /api/v1/users/${acme.owner.userId} forbidden`]);
});

test("strangers leave nothing in a tenant's log, however often they knock", async () => {
  const [acme, globex] = [await newTenant(), await newTenant()];
  const strangers = [newPerson(), globex.owner];
  for (const stranger of strangers) {
    const there = naming(stranger, { "x-tenant-id": acme.slug });
    await Promise.all(Array.from({ length: 5 }, () => there.call("/api/v1/users")));
  }
  const viewer = await acme.member({ accountRole: "VIEWER" });
  await viewer.call("/api/v1/users");
  await expect.poll(async () => (await denials(acme)).length).toBe(1);
});

test("a path of any length is cut to what a log can hold", async () => {
  const acme = await newTenant();
  const viewer = await acme.member({ accountRole: "VIEWER" });
  await viewer.call(`/api/v1/users/${"x".repeat(2000)}`);
  await expect.poll(async () => (await denials(acme))[0]?.entity_id.length).toBe(300);
});
