import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import {
  type Member,
  naming,
  newPerson,
  newTenant,
  type Person,
  registry,
  type TestTenant,
} from "./harness.ts";
import { accept, invited } from "./invitations.ts";
import { keyOf } from "./keys.ts";
import { newOperator, newPlatformAdmin } from "./operators.ts";
import { placeRestoration } from "./placed-restoration.ts";
import { rowsOf } from "./raw-sql.ts";
import { fillLog, seal } from "./sealing.ts";

type List = { data: { id: string }[]; meta: { nextCursor: string | null } };
type Body = List & { id: string };
async function send(
  person: Person,
  status: number,
  path: string,
  method = "GET",
  body?: object,
  headers = {},
) {
  const answer = await person.call<Body>(`/api/v1${path}`, { method, body, headers });
  expect(answer.status, `${method} ${path}`).toBe(status);
  return answer.body;
}

/** The first page and, by its cursor, the next. */
async function page(person: Person, path: string) {
  const { meta } = await send(person, 200, `${path}&limit=1`);
  if (meta.nextCursor) await send(person, 200, `${path}&limit=1&cursor=${meta.nextCursor}`);
}
const orders = ["asc", "desc"].map((order) => `sortOrder=${order}`);
const any = { "if-match": "*" };
const stale = { "if-match": '"x"' };

/** Every service, every filter and every order, so that each statement passes by once. */
export async function callEverything(base: string): Promise<string> {
  const tenant = await newTenant(base);
  const { owner } = tenant;
  const admin = await tenant.member({ accountRole: "ADMIN" });
  await send(owner, 200, "/auth/me");
  await send(owner, 200, "/roles");
  await send(owner, 200, "/tenant");
  await send(owner, 200, "/tenant", "PATCH", { name: "Renamed" });
  for (const sortBy of ["createdAt", "name"]) await page(owner, `/tenants?sortBy=${sortBy}`);

  const { id } = await send(admin, 201, "/users", "POST", { name: "Ada", email: "ada@acme.test" });
  await send(owner, 200, `/users/${id}`);
  await send(admin, 200, `/users/${id}`, "PATCH", { status: "suspended" });
  await send(owner, 200, `/users/${id}`, "PATCH", { status: "active", name: "Augusta" });
  await send(owner, 409, `/users/${owner.userId}`, "PATCH", { status: "suspended" });
  await send(owner, 204, `/users/${id}`, "DELETE");
  await send(owner, 404, `/users/${id}`, "DELETE");
  await send(owner, 200, `/users/${id}/restoration`, "POST");
  for (const sortBy of ["createdAt", "updatedAt", "name", "email"])
    for (const order of orders)
      for (const filter of ["", "&status=active", "&search=a"])
        await page(owner, `/users?sortBy=${sortBy}&${order}${filter}`);

  await callBelongings(tenant, id, base);
  await callPlatform(tenant, base);
  const account = await callAccounts(tenant, admin);
  await callMembers(tenant, admin, account, id);

  const filters = ["entity=users", `entity=users&entityId=${id}`, `entityId=${id}`];
  filters.push(`actorId=${owner.userId}`, "requestId=a-request", "action=UPDATE", "");
  filters.push("from=2026-01-01T00:00:00Z", "to=2100-01-01T00:00:00Z");
  for (const filter of filters)
    for (const order of orders) await page(owner, `/audit-logs?${order}&${filter}`);

  await callArchive(tenant, base);
  await fillLog(tenant.db, 600);
  for (const filter of [...filters, "actorId=system", "action=UPDATE&entity=things"])
    await send(owner, 200, `/audit-logs/export?${filter}`);
  await seal(tenant);
  for (const from of [0, 550]) await send(owner, 200, `/audit-logs/verification?from=${from}`);

  const [operation] = await rowsOf<{ id: string }>(
    registry,
    `select id from operations where tenant_id = '${tenant.id}'`,
  );
  await send(owner, 200, `/operations/${operation?.id}`);
  const stranger = newPerson(base);
  const taken = { name: "Taken", slug: tenant.slug };
  await send(stranger, 409, "/tenants/register", "POST", taken);
  const entering = { headers: { "x-tenant-id": tenant.id } };
  expect((await stranger.call("/api/v1/users", entering)).status).toBe(403);
  return tenant.id;
}

async function callAccounts({ owner, accountId }: TestTenant, admin: Member): Promise<string> {
  const { id } = await send(owner, 201, "/accounts", "POST", { name: "Research" });
  const [first, account] = [`/accounts/${accountId}`, `/accounts/${id}`];
  for (const person of [owner, admin]) {
    for (const sortBy of ["createdAt", "name"])
      for (const order of orders)
        for (const filter of ["", "&active=true", "&search=e"])
          await page(person, `/accounts?sortBy=${sortBy}&${order}${filter}`);
    await send(person, 200, first);
    await send(person, 200, first, "PATCH", { description: "First" });
  }
  await send(owner, 200, account, "PATCH", { settings: { a: 1 }, active: true }, any);
  await send(owner, 412, account, "PATCH", { settings: { a: 2 } }, stale);
  await send(owner, 409, first, "DELETE");
  await send(owner, 204, account, "DELETE");
  await send(owner, 404, account, "DELETE");
  await send(owner, 200, `${account}/restoration`, "POST");
  return id;
}

/** In an account, and in the tenant; in the end the ADMIN is out of it. */
async function callMembers(
  { owner, accountId }: TestTenant,
  admin: Member,
  account: string,
  user: string,
) {
  const members = `/accounts/${account}/members`;
  const seat = { userId: user, role: "VIEWER" };
  await send(owner, 201, members, "POST", seat);
  await send(owner, 201, members, "POST", { ...seat, userId: owner.userId });
  for (const order of orders) await page(owner, `${members}?${order}`);
  await page(admin, `/accounts/${accountId}/members?${orders[0]}`);
  await send(admin, 404, members, "POST", seat);
  const member = `${members}/${user}`;
  await send(owner, 200, member);
  await send(owner, 200, member, "PATCH", { role: "EDITOR" }, any);
  await send(owner, 412, member, "PATCH", { role: "EDITOR" }, stale);
  await send(owner, 412, member, "DELETE", undefined, stale);
  await send(owner, 204, member, "DELETE", undefined, any);

  for (const order of orders)
    for (const filter of ["", "&tenantRole=owner", "&tenantRole=member"])
      await page(owner, `/tenant/members?${order}${filter}`);
  const inTenant = `/tenant/members/${user}`;
  await send(owner, 200, inTenant, "PATCH", { tenantRole: "owner" }, any);
  await send(owner, 200, inTenant, "PATCH", { tenantRole: "member" }, any);
  await send(owner, 412, inTenant, "PATCH", { tenantRole: "owner" }, stale);
  await send(owner, 204, inTenant, "DELETE", undefined, any);
  const me = "/tenant/members/me";
  await send(owner, 409, me, "DELETE");
  await send(admin, 204, me, "DELETE");
  await send(admin, 403, me, "DELETE");
}

/** What is kept, and the ways out. */
async function callArchive(tenant: TestTenant, base: string) {
  const { owner } = tenant;
  const admin = await newPlatformAdmin({ base });
  const at = `/admin/tenants/${tenant.id}`;
  await placeRestoration(tenant.id);
  const { data: kept } = await send(owner, 200, "/tenant/backups");
  await send(owner, 200, `/tenant/backups/${kept[0]?.id}`);
  const { data: brought } = await send(owner, 200, "/tenant/restorations");
  const restoration = `/tenant/restorations/${brought[0]?.id}`;
  await send(owner, 200, restoration);
  await send(owner, 409, `${restoration}/undo`, "POST");
  for (const order of orders)
    for (const list of ["backups", "restorations"]) {
      await page(owner, `/tenant/${list}?${order}`);
      await page(admin, `${at}/${list}?${order}`);
    }
  await send(owner, 200, "/tenant/export");
  await send(owner, 200, "/users/me/export");
  const leaver = await tenant.member({ accountRole: "VIEWER" });
  await send(owner, 200, `/users/${leaver.userId}/export`);
  await send(owner, 204, `/users/${leaver.userId}/erasure`, "POST");
}

/** What people have, and how they and their programs come in. */
async function callBelongings(tenant: TestTenant, user: string, base: string) {
  const { owner, accountId } = tenant;
  const boss = await tenant.member({ accountRole: "ADMIN" });
  const settings = { contactEmail: "desk@acme.test" };
  await send(owner, 200, "/tenant/settings");
  await send(owner, 200, "/tenant/settings", "PATCH", settings, any);
  await send(owner, 412, "/tenant/settings", "PATCH", settings, stale);
  await send(boss, 200, "/users/me");
  await send(boss, 200, "/users/me", "PATCH", { name: "Boss" });
  await send(boss, 200, "/users/me/profile", "PATCH", { bio: "Here" });
  await send(boss, 200, "/users/me/profile");
  await send(owner, 200, `/users/${user}/profile`);
  const token = await newPerson().token();
  const linked = await send(boss, 201, "/users/me/identities", "POST", { token });
  await send(boss, 200, "/users/me/identities");
  const theirs = `/users/${boss.userId}/identities`;
  await send(owner, 200, theirs);
  await send(owner, 204, `${theirs}/${linked.id}`, "DELETE");
  const again = await send(boss, 201, "/users/me/identities", "POST", { token });
  await send(boss, 204, `/users/me/identities/${again.id}`, "DELETE");

  for (const person of [owner, boss]) {
    const key = { name: "Key", scopes: ["VIEW_ALL_USERS"] };
    const { id } = await send(person, 201, "/api-keys", "POST", key);
    await send(person, 200, `/api-keys/${id}`);
    await send(person, 201, `/api-keys/${id}/rotation`, "POST", {});
    await send(person, 409, `/api-keys/${id}/rotation`, "POST", {});
    await send(person, 204, `/api-keys/${id}`, "DELETE");
    const invitation = { email: `${randomUUID()}@acme.test` };
    const { id: invited } = await send(person, 201, "/invitations", "POST", invitation);
    await send(person, 409, "/invitations", "POST", invitation);
    await send(person, 200, `/invitations/${invited}`);
    await send(person, 200, `/invitations/${invited}/resend`, "POST");
    await send(person, 204, `/invitations/${invited}`, "DELETE");
    await send(person, 409, `/invitations/${invited}`, "DELETE");
    for (const order of orders) {
      await page(person, `/api-keys?${order}`);
      await page(person, `/sessions?${order}`);
      for (const state of ["", "&state=pending"])
        await page(person, `/invitations?${order}${state}`);
    }
    await page(owner, `/users/${boss.userId}/sessions?${orders[0]}`);
  }
  for (const wanted of [{}, { accountId }]) {
    const program = await keyOf(owner, wanted);
    await send(program, 200, "/users");
    await page(program, `/accounts?${orders[0]}`);
    const body = { name: "By a program", email: `${randomUUID()}@acme.test` };
    const once = { "idempotency-key": randomUUID() };
    for (const _ of ["once", "again"]) await send(program, 201, "/users", "POST", body, once);
  }

  const [guest, late] = [newPerson(base), newPerson(base)];
  const { token: link } = await invited(owner, guest, { accountId, role: "EDITOR" });
  const once = { "idempotency-key": randomUUID() };
  expect((await accept(guest, link, once)).status).toBe(200);
  expect((await accept(guest, link, once)).status).toBe(200);
  expect((await accept(guest, link)).status).toBe(409);
  expect((await accept(late, link)).status).toBe(403);
  const inTenant = naming(guest, { "x-tenant-id": tenant.slug });
  const { data } = await send(inTenant, 200, "/sessions");
  if (data[0]) await send(owner, 204, `/sessions/${data[0].id}`, "DELETE");
  await send(boss, 204, "/sessions/current", "DELETE");
  await send(owner, 204, `/users/${boss.userId}/sessions`, "DELETE");
  const leaver = await tenant.member();
  await send(leaver, 204, "/sessions", "DELETE");
}

/** The platform's side, and platform admins inside. */
async function listTenants(admin: Person) {
  const narrowed = ["status=active", "search=t", "plan=basic", "region=fra", "schemaVersion=1"];
  narrowed.push("health=healthy", "health=unknown");
  for (const sortBy of ["createdAt", "name", "slug"])
    for (const order of orders)
      for (const filter of ["", ...narrowed])
        await page(admin, `/admin/tenants?sortBy=${sortBy}&${order}&${filter}`);
}

async function listWhatHappened(admin: Person, tenantId: string) {
  for (const filter of ["", "kind=database_missing", `tenantId=${tenantId}`])
    for (const order of orders) await page(admin, `/admin/findings?${order}&${filter}`);
  for (const filter of ["", `entity=tenants&entityId=${tenantId}`, "actorId=system"])
    for (const order of orders) await page(admin, `/admin/audit-logs?${order}&${filter}`);
}

async function callTenantsForOwners(admin: Person) {
  const body = { slug: `t-${randomUUID().slice(0, 13)}`, name: "Theirs", ownerEmail: "a@b.test" };
  const { id } = await send(admin, 201, "/admin/tenants", "POST", body);
  await send(admin, 409, "/admin/tenants", "POST", body);
  const again = `/admin/tenants/${id}/owner-invitations`;
  await send(admin, 202, again, "POST", { email: "c@d.test" });
}

async function callPlatform(tenant: TestTenant, base: string) {
  const admin = await newPlatformAdmin({ base });
  const at = `/admin/tenants/${tenant.id}`;
  await listTenants(admin);
  await send(admin, 200, at);
  await send(admin, 200, at, "PATCH", { features: { exports: true } });
  const runs = "/admin/migrations";
  const run = await send(admin, 202, runs, "POST", { canaryCount: 2 });
  await send(admin, 200, runs, "POST", {
    dryRun: true,
    only: [tenant.id],
    canaries: [tenant.slug],
  });
  await send(admin, 200, `${runs}/${run.id}`);
  await send(admin, 409, `${runs}/${run.id}/resumption`, "POST");
  await send(admin, 409, `${runs}/${run.id}/cancellation`, "POST");
  for (const order of orders) {
    await page(admin, `${runs}?${order}`);
    await page(admin, `${runs}/${run.id}/failures?${order}`);
  }
  await send(admin, 200, at, "PATCH", { features: { exports: true }, limits: { users: 5 } });
  await send(admin, 200, at, "PATCH", { name: "Ours", plan: "gold", metadata: { a: 1 } });
  await callTenantsForOwners(admin);
  await send(admin, 200, `${at}/health`);
  await send(tenant.owner, 200, "/tenant/health");
  await send(admin, 202, `${at}/credentials`, "POST");
  await send(admin, 409, `${at}/credentials`, "POST");
  await send(admin, 200, "/admin/credentials");
  await listWhatHappened(admin, tenant.id);
  const operator = await newOperator(tenant, "write", base);
  await send(operator, 200, "/users");
  await page(operator, `/accounts?${orders[0]}`);
  await send(operator, 200, "/tenant", "PATCH", { name: "Looked after" });
  await send(operator, 403, "/users", "POST", { name: "Ada", email: "no@acme.test" });
  for (const order of orders) {
    await page(admin, `${at}/access-grants?${order}`);
    await page(tenant.owner, `/tenant/access-grants?${order}`);
  }
  const { data } = await send(admin, 200, `${at}/access-grants`);
  await send(admin, 204, `${at}/access-grants/${data[0]?.id}`, "DELETE");
  await newOperator(tenant, "read", base);
  const { data: now } = await send(tenant.owner, 200, "/tenant/access-grants");
  await send(tenant.owner, 204, `/tenant/access-grants/${now[0]?.id}`, "DELETE");
}
