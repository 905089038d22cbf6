import { expect, test } from "vitest";
import { codeOf } from "../../testing/client.ts";
import { dump } from "../../testing/dump.ts";
import {
  naming,
  newTenant,
  type Person,
  registry,
  settings,
  type TestTenant,
} from "../../testing/harness.ts";
import { newPlatformAdmin, takeGrant } from "../../testing/operators.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { placeUsers } from "../../testing/rows.ts";
import type { AuditLog } from "../audit/audit.schema.ts";
import type { AccessGrant } from "./grants.schema.ts";

const reason = "Looking into ticket 4711";
const inside = (operator: Person, { slug }: TestTenant) =>
  naming(operator, { "x-tenant-id": slug });
const nameOf = ({ subject }: Person) => `${settings.identityProvider.issuer}|${subject}`;
const rename = (name: string) => ({ method: "PATCH", body: { name } });
const doors = ({ id }: TestTenant) => `/api/v1/admin/tenants/${id}/access-grants`;
/** What the tenant's own log has of the operator, oldest first. */
const logOf = async ({ owner }: TestTenant, operator: Person) => {
  const query = new URLSearchParams({ actorId: nameOf(operator), sortOrder: "asc" });
  return (await owner.call<{ data: AuditLog[] }>(`/api/v1/audit-logs?${query}`)).body.data;
};

test.each([
  ["the claim without the row", { row: false }],
  ["the row without the claim", { claim: false }],
  ["a claim that only looks true", { claim: "true" }],
  ["a claim of 1", { claim: 1 }],
])("%s opens no door of the operator's plane", async (_, standing) => {
  const acme = await newTenant();
  const nearly = await newPlatformAdmin(standing);
  for (const path of ["/api/v1/admin/tenants", doors(acme)])
    expect(codeOf(await nearly.call(path)), path).toBe("403 forbidden");
  const body = { reason };
  expect(codeOf(await nearly.call(doors(acme), { method: "POST", body }))).toBe("403 forbidden");
  expect(codeOf(await inside(nearly, acme).call("/api/v1/users"))).toBe("403 tenant_forbidden");
});

test("a platform admin enters with a grant, for looking unless it says more, and as long as it lasts", async () => {
  const acme = await newTenant();
  const [user = ""] = await placeUsers(acme.db, [{}]);
  const operator = await newPlatformAdmin();
  const there = inside(operator, acme);
  expect(codeOf(await there.call("/api/v1/users"))).toBe("403 tenant_forbidden");
  const grant = await takeGrant(operator, acme.id, { minutes: 30 });
  expect(codeOf(await there.call("/api/v1/users"))).toBe("200");
  expect(codeOf(await there.call("/api/v1/audit-logs"))).toBe("200");
  const refused = await there.call(`/api/v1/users/${user}`, rename("Changed"));
  expect(codeOf(refused)).toBe("403 forbidden");
  expect(refused.body["detail"]).toBe("Your access grant is for looking only");

  const me = await there.call("/api/v1/auth/me");
  expect(me.body["membership"]).toMatchObject({ userId: null, role: "ADMIN", grantReason: reason });
  await takeGrant(operator, acme.id, { mode: "write" });
  expect(codeOf(await there.call(`/api/v1/users/${user}`, rename("Changed")))).toBe("200");

  await execute(acme.db, "update access_grants set expires_at = 1");
  expect(codeOf(await there.call("/api/v1/users"))).toBe("403 tenant_forbidden");
  expect(codeOf(await there.call(`/api/v1/users/${user}`, rename("Again")))).toBe(
    "403 tenant_forbidden",
  );
  expect(Math.round((Date.parse(grant.expiresAt) - Date.now()) / 60_000)).toBe(30);
});

test("all a platform admin sees, changes and is refused is in the tenant's log, with who and why", async () => {
  const acme = await newTenant();
  const [user = ""] = await placeUsers(acme.db, [{}]);
  const operator = await newPlatformAdmin();
  const there = inside(operator, acme);
  await takeGrant(operator, acme.id, { mode: "write" });
  await there.call("/api/v1/users");
  await there.call(`/api/v1/users/${user}`, rename("Changed"));
  await there.call("/api/v1/api-keys", { method: "POST", body: { name: "Key", scopes: [] } });
  const told = async () =>
    (await logOf(acme, operator)).map(({ action, entity, entityId, actorType, reason: why }) =>
      [actorType, action, entity, entity === "requests" ? entityId : "", why].join(" "),
    );
  await expect
    .poll(told)
    .toEqual([
      `operator INSERT access_grants  ${reason}`,
      `operator READ requests GET /api/v1/users ${reason}`,
      `operator UPDATE users  ${reason}`,
      `operator DENY requests POST /api/v1/api-keys forbidden: ${reason}`,
    ]);
});

test("a look that cannot be logged is not had", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  await takeGrant(operator, acme.id);
  await execute(
    acme.db,
    "create trigger no_log before insert on audit_logs begin select raise(abort, 'full'); end",
  );
  const answer = await inside(operator, acme).call("/api/v1/users");
  expect(answer.status).toBeGreaterThanOrEqual(500);
  expect(JSON.stringify(answer.body)).not.toContain(acme.owner.email);
});

test("a grant lets nobody else in: no key, invitation, user, role, session or other grant comes of it", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  const there = inside(operator, acme);
  await takeGrant(operator, acme.id, { mode: "write" });
  const before = await dump(acme.db);
  const tries: [string, string, object?][] = [
    ["POST", "/api/v1/api-keys", { name: "Key", scopes: [] }],
    ["POST", "/api/v1/invitations", { email: "mole@platform.test", tenantRole: "owner" }],
    ["POST", "/api/v1/users", { email: "mole@platform.test", name: "Mole" }],
    ["POST", "/api/v1/users/me/identities", { token: "x" }],
    ["DELETE", "/api/v1/sessions/current"],
    ["GET", "/api/v1/tenant/access-grants"],
  ];
  for (const [method, path, body] of tries)
    expect(codeOf(await there.call(path, { method, body })), path).toBe("403 forbidden");
  expect(await dump(acme.db)).toEqual(before);
});

test("a platform admin who once was a user here enters like any other", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  const { userId } = await acme.member();
  await execute(
    acme.db,
    `update user_identities set subject = '${operator.subject}' where user_id = '${userId}'`,
    `update users set deleted_at = 1 where id = '${userId}'`,
  );
  await takeGrant(operator, acme.id);
  const there = naming(operator, { "x-tenant-id": acme.slug });
  expect((await there.call("/api/v1/users")).status).toBe(200);
});

test("a grant in one tenant opens no other", async () => {
  const [acme, globex] = [await newTenant(), await newTenant()];
  const operator = await newPlatformAdmin();
  await takeGrant(operator, acme.id, { mode: "write" });
  expect(codeOf(await inside(operator, globex).call("/api/v1/users"))).toBe("403 tenant_forbidden");
  expect(codeOf(await inside(await newPlatformAdmin(), acme).call("/api/v1/users"))).toBe(
    "403 tenant_forbidden",
  );
});

test("the owner sees who may enter and puts them out at once; an admin does neither", async () => {
  const acme = await newTenant();
  const admin = await acme.member({ tenantRole: "admin" });
  const operator = await newPlatformAdmin();
  const { id } = await takeGrant(operator, acme.id, { mode: "write" });
  const path = "/api/v1/tenant/access-grants";
  const listed = await acme.owner.call<{ data: AccessGrant[] }>(path);
  expect(listed.body.data).toMatchObject([
    { id, operator: nameOf(operator), reason, mode: "write", active: true, endedAt: null },
  ]);
  expect(codeOf(await admin.call(path))).toBe("403 forbidden");
  expect(codeOf(await admin.call(`${path}/${id}`, { method: "DELETE" }))).toBe("403 forbidden");
  expect(codeOf(await acme.owner.call(`${path}/${id}`, { method: "DELETE" }))).toBe("204");
  expect(codeOf(await inside(operator, acme).call("/api/v1/users"))).toBe("403 tenant_forbidden");
  expect(codeOf(await acme.owner.call(`${path}/${id}`, { method: "DELETE" }))).toBe(
    "404 not_found",
  );
  const after = await acme.owner.call<{ data: AccessGrant[] }>(path);
  expect(after.body.data).toMatchObject([{ id, active: false, endedAt: expect.any(String) }]);
});

test("platform admins see and end each other's grants from outside", async () => {
  const acme = await newTenant();
  const [one, two] = [await newPlatformAdmin(), await newPlatformAdmin()];
  const { id } = await takeGrant(one, acme.id);
  const seen = await two.call<{ data: AccessGrant[] }>(doors(acme));
  expect(seen.body.data.map((grant) => grant.id)).toEqual([id]);
  expect(codeOf(await two.call(`${doors(acme)}/${id}`, { method: "DELETE" }))).toBe("204");
  expect(codeOf(await inside(one, acme).call("/api/v1/users"))).toBe("403 tenant_forbidden");
  const [entry] = await rowsOf(
    acme.db,
    "select actor_id from audit_logs where entity = 'access_grants' and action = 'UPDATE'",
  );
  expect(entry).toEqual({ actor_id: nameOf(two) });
});

test("who is removed from the platform is out, whatever grants they took", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  await takeGrant(operator, acme.id);
  const there = inside(operator, acme);
  expect(codeOf(await there.call("/api/v1/users"))).toBe("200");
  await execute(
    registry,
    `update platform_admins set active = 0 where subject = '${operator.subject}'`,
  );
  expect(codeOf(await there.call("/api/v1/users"))).toBe("403 tenant_forbidden");
});

test("who belongs to the tenant acts as themselves, and needs no grant", async () => {
  const acme = await newTenant();
  const member = await acme.member({ accountRole: "VIEWER" });
  await execute(
    registry,
    `insert into platform_admins values ('${settings.identityProvider.issuer}', '${member.subject}', 1, 1)`,
  );
  const claim = { [`${settings.CLAIM_NAMESPACE}global_admin`]: true };
  const both = naming(member, { authorization: `Bearer ${await member.token(claim)}` });
  const body = { reason };
  expect(codeOf(await both.call(doors(acme), { method: "POST", body }))).toBe("409 already_member");
  expect(codeOf(await both.call("/api/v1/users"))).toBe("403 forbidden");
  const me = await both.call("/api/v1/users/me");
  expect(me.body["id"]).toBe(member.userId);
});

test("a suspended tenant is open to platform admins with a grant, who must mend it", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  await execute(acme.db, "update tenant_identity set status = 'suspended'");
  await takeGrant(operator, acme.id);
  expect(codeOf(await acme.owner.call("/api/v1/users"))).toBe("403 tenant_suspended");
  expect(codeOf(await inside(operator, acme).call("/api/v1/users"))).toBe("200");
});

test.each([
  ["reason", { reason: "because" }],
  ["reason", {}],
  ["minutes", { reason, minutes: 4 }],
  ["minutes", { reason, minutes: 481 }],
  ["mode", { reason, mode: "own" }],
])("a grant is not had with a wrong %s", async (field, body) => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  const { status, body: problem } = await operator.call(doors(acme), { method: "POST", body });
  expect(status).toBe(400);
  expect(problem["errors"]).toMatchObject([{ in: "body", path: field }]);
  expect(await rowsOf(acme.db, "select * from access_grants")).toEqual([]);
});

test("there is no grant for a tenant that is not there", async () => {
  const operator = await newPlatformAdmin();
  const nowhere = "/api/v1/admin/tenants/tnt_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d/access-grants";
  const body = { reason };
  expect(codeOf(await operator.call(nowhere, { method: "POST", body }))).toBe("404 not_found");
});
