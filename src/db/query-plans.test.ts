import { afterAll, beforeAll, expect, test } from "vitest";
import { openTenant } from "../testing/databases.ts";
import {
  type Member,
  newPerson,
  newTenant,
  type Person,
  registry,
  settings,
  stack,
  type TestTenant,
} from "../testing/harness.ts";
import { type Passage, startProxy } from "../testing/proxy.ts";
import { rowsOf } from "../testing/raw-sql.ts";
import { fillLog, seal } from "../testing/sealing.ts";
import { startWorker } from "../testing/worker.ts";

type Planned = { readonly sql: string; readonly plan: readonly string[] };
type List = { data: { id: string }[]; meta: { nextCursor: string | null } };
let planned: Planned[] = [];
const cleanup: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const proxy = await startProxy(stack.settings);
  cleanup.push(proxy.stop);
  const variables = { ...stack.settings, ...proxy.settings };
  const worker = await startWorker({ bundle: stack.bundle, settings: variables });
  cleanup.unshift(worker.stop);
  const tenantId = await callEverything(worker.url);
  planned = await plansOf(proxy.passages, tenantId);
});
afterAll(async () => {
  for (const stop of cleanup) await stop();
});

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
async function callEverything(base: string): Promise<string> {
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

  const account = await callAccounts(tenant, admin);
  await callMembers(tenant, admin, account, id);

  const filters = ["entity=users", `entity=users&entityId=${id}`, `entityId=${id}`];
  filters.push(`actorId=${owner.userId}`, "requestId=a-request", "action=UPDATE", "");
  filters.push("from=2026-01-01T00:00:00Z", "to=2100-01-01T00:00:00Z");
  for (const filter of filters)
    for (const order of orders) await page(owner, `/audit-logs?${order}&${filter}`);

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

type Pipeline = {
  requests: {
    sql_id?: number;
    sql?: string;
    batch?: { steps: { stmt: { sql?: string; sql_id?: number } }[] };
  }[];
};

/** The statements as they went over the wire, without those that frame transactions or migrate. */
function statementsOf({ body }: Passage): string[] {
  const { requests } = JSON.parse(body) as Pipeline;
  const stored = new Map(requests.map(({ sql_id, sql }) => [sql_id, sql]));
  return requests
    .flatMap(({ batch }) => batch?.steps ?? [])
    .map(({ stmt }) => stmt.sql ?? stored.get(stmt.sql_id) ?? "")
    .filter((sql) => /^\s*(select|insert|update|delete)\b/i.test(sql))
    .filter((sql) => !/`?__(drizzle_migrations|new_)/.test(sql));
}

async function plansOf(passages: readonly Passage[], tenantId: string): Promise<Planned[]> {
  const tenantDb = await openTenant(settings, tenantId);
  const statements = new Map(
    passages
      .filter(({ door }) => door === "data")
      .flatMap((passage) =>
        statementsOf(passage).map((sql) => [sql, passage.namespace === "registry"] as const),
      ),
  );
  return Promise.all(
    [...statements].map(async ([sql, central]) => {
      const db = central ? registry : tenantDb;
      const rows = await rowsOf<{ detail: string }>(db, `explain query plan ${sql}`);
      return { sql: sql.replaceAll(/\s+/g, " "), plan: rows.map(({ detail }) => detail) };
    }),
  );
}

const offending = (isFault: (step: string, sql: string, before?: string) => boolean) =>
  planned.flatMap(({ sql, plan }) =>
    plan
      .filter((step, i) => isFault(step, sql, plan[i - 1]))
      .map((step) => `${step}: ${sql.slice(0, 1000)}`),
  );

/** One row at most, or no table at all. */
const tiny =
  /^SCAN (tenant_identity|settings|t|audit_context|c|p|CONSTANT ROW|\d+ CONSTANT ROWS|\(subquery-\d+\))( LEFT-JOIN)?$/;
/** One of three words: a third of the log has it, and an index would not help. */
const countsAnAction = 'select count(*) from "audit_logs" where "audit_logs"."action" = ?';

test("no statement of any request reads a table without an index", () => {
  expect(planned.length).toBeGreaterThan(70);
  const scans = offending(
    (step, sql) => /^SCAN (?!.* USING )/.test(step) && !tiny.test(step) && sql !== countsAnAction,
  );
  expect(scans).toEqual([]);
});

test("lists come in the order of an index; only what one person or one row has is ever sorted", () => {
  const ofOne = /"user_id" = |"tenant_users"\."subject" = |"audit_logs"\."entity_id" = /;
  const sorts = offending(
    (step, sql, before) =>
      step.startsWith("USE TEMP B-TREE") &&
      !ofOne.test(sql) &&
      // A page that is at hand; what it was taken from has a step of its own.
      !before?.startsWith("SCAN (subquery"),
  );
  expect(sorts).toEqual([]);
});

test("a cursor leads straight to its place in the list", () => {
  const pages = planned.filter(({ sql }) => /"\) [<>] \(\?, \?\)/.test(sql));
  const firstOf = ({ plan }: Planned) => plan.find((step) => !step.startsWith("CO-ROUTINE"));
  const starts = new Set(pages.map((page) => firstOf(page)?.replace(/^SEARCH (\w+) .*/, "$1")));
  expect(starts).toEqual(new Set(["users", "audit_logs", "accounts", "account_members"]));
  expect(pages.filter((page) => !firstOf(page)?.startsWith("SEARCH"))).toEqual([]);
});

test("proving the caller takes one lookup by key for each table it asks", () => {
  const proofs = planned.filter(({ sql }) => sql.startsWith("select t.tenant_id as tenantId"));
  expect(proofs.length).toBeGreaterThan(0);
  for (const { plan } of proofs)
    expect(plan).toEqual([
      "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)",
      "SEARCH i USING INDEX sqlite_autoindex_user_identities_1 (issuer=? AND subject=?) LEFT-JOIN",
      "SEARCH u USING INDEX sqlite_autoindex_users_1 (id=?) LEFT-JOIN",
      "SEARCH s USING INDEX user_sessions_sid (user_id=? AND sid=?) LEFT-JOIN",
      "SEARCH a USING INDEX sqlite_autoindex_accounts_1 (id=?) LEFT-JOIN",
      "SEARCH m USING INDEX sqlite_autoindex_account_members_1 (account_id=? AND user_id=?) LEFT-JOIN",
    ]);
});
