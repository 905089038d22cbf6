import { request as send } from "node:http";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../core/id.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import type { Answer } from "../../testing/client.ts";
import {
  newPerson,
  newTenant,
  type Person,
  registry,
  settings,
  stack,
  type TestTenant,
} from "../../testing/harness.ts";
import {
  type DatabaseProxy,
  type Disturbance,
  type Passage,
  startProxy,
} from "../../testing/proxy.ts";
import { execute } from "../../testing/raw-sql.ts";
import { placeUsers } from "../../testing/rows.ts";
import { fillLog, newSeenTenant } from "../../testing/sealing.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";
import type { AuditLog } from "./audit.schema.ts";

let proxy: DatabaseProxy;
let worker: RunningWorker;
beforeAll(async () => {
  proxy = await startProxy(stack.settings);
  const variables = { ...stack.settings, ...proxy.settings };
  worker = await startWorker({ bundle: stack.bundle, settings: variables });
});
afterAll(async () => {
  await worker.stop();
  await proxy.stop();
});

const path = "/api/v1/audit-logs/export";
type Filter = Record<string, string>;
type Page = { data: AuditLog[]; meta: { nextCursor: string | null } };

const linesOf = (text: string): AuditLog[] => {
  expect(text === "" || text.endsWith("\n")).toBe(true);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AuditLog);
};
async function exported({ owner }: TestTenant, filter: Filter = {}): Promise<AuditLog[]> {
  const { status, body } = await owner.call<string>(`${path}?${new URLSearchParams(filter)}`);
  expect(status).toBe(200);
  return linesOf(body);
}
async function listed({ owner }: TestTenant, filter: Filter = {}): Promise<AuditLog[]> {
  const rows: AuditLog[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query = { ...filter, sortOrder: "asc", limit: "100", ...(cursor && { cursor }) };
    const asked: string = `/api/v1/audit-logs?${new URLSearchParams(query)}`;
    const { body }: Answer<Page> = await owner.call<Page>(asked);
    rows.push(...body.data);
    cursor = body.meta.nextCursor;
  }
  return rows;
}

test("the file holds every row exactly as the list shows it, oldest first", async () => {
  const acme = await newSeenTenant();
  await placeUsers(acme.db, [{ name: 'A "quoted" \u2028 name \\ with é' }, {}]);
  const { status, headers, body } = await acme.owner.call<string>(path);
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    "content-type": "application/x-ndjson",
    "cache-control": "no-store",
    "content-disposition": expect.stringMatching(
      new RegExp(`^attachment; filename="audit-logs-${acme.slug}-\\d{4}-\\d\\d-\\d\\d\\.ndjson"$`),
    ) as string,
  });
  expect(linesOf(body)).toEqual(await listed(acme));
  expect(linesOf(body).length).toBe(9);
});

test("each filter leaves what it leaves of the list", async () => {
  const acme = await newSeenTenant();
  const [id = ""] = await placeUsers(acme.db, [{}, {}]);
  const requestId = newId("operation");
  const patch = { method: "PATCH", headers: { "x-request-id": requestId }, body: { name: "New" } };
  await acme.owner.call(`/api/v1/users/${id}`, patch);
  const all = await listed(acme);
  const middle = all[4]?.at ?? "";
  const filters: Filter[] = [
    { entity: "users" },
    { entityId: id },
    { entityId: id, entity: "users", action: "UPDATE" },
    { actorId: acme.owner.userId },
    { actorId: "nobody" },
    { action: "INSERT" },
    { requestId },
    { from: middle },
    { to: middle },
    { from: middle, to: new Date(Date.parse(middle) + 1).toISOString() },
  ];
  for (const filter of filters)
    expect(await exported(acme, filter), JSON.stringify(filter)).toEqual(
      await listed(acme, filter),
    );
  expect(await exported(acme, { actorId: "nobody" })).toEqual([]);
  expect(await exported(acme, { requestId })).toHaveLength(1);
});

test("a log of many pages arrives whole and in order, each page read for itself", async () => {
  const acme = await newSeenTenant();
  await fillLog(acme.db, 2600);
  const { result, by } = await proxy.counted(() => acme.owner.call<string>(`${worker.url}${path}`));
  const rows = linesOf(result.body);
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 2607 }, (_, i) => `aud_${i + 1}`));
  expect(by[databaseNameOf(acme.id)]).toBe(7);
});

test("rows as large as they can be are read a few at a time", async () => {
  const acme = await newSeenTenant();
  const text = "x".repeat(60_000);
  await fillLog(acme.db, 60, JSON.stringify({ value: { old: text, new: text } }));
  const { result, by } = await proxy.counted(() => acme.owner.call<string>(`${worker.url}${path}`));
  expect(linesOf(result.body)).toHaveLength(67);
  expect(by[databaseNameOf(acme.id)]).toBeGreaterThan(4);
});

test("what happens after an export began is not in it, however long it takes", async () => {
  const acme = await newSeenTenant();
  await fillLog(acme.db, 1200);
  const held = proxy.disturb(nextPages(acme, { by: "hold", times: 1 }));
  const asked = acme.owner.call<string>(`${worker.url}${path}`);
  await held.first;
  await fillLog(acme.db, 1200);
  // As a clock that was put back would leave them.
  const columns = "actor_type, actor_id, entity, entity_id, action, changes, at";
  await execute(
    acme.db,
    `insert into audit_logs (${columns}) select ${columns} from audit_logs where sequence in (3, 900)`,
  );
  held.lift();
  const rows = linesOf((await asked).body);
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 1207 }, (_, i) => `aud_${i + 1}`));
});

test("who may not read the log is told so, and so is who asks wrongly, before anything is sent", async () => {
  const acme = await newTenant();
  const boss = await acme.member({ accountRole: "ADMIN" });
  expect(await boss.call(path)).toMatchObject({ status: 403, body: { code: "forbidden" } });
  for (const query of ["action=DROP", "from=yesterday", "entity=", "actorId=%00"])
    expect(await acme.owner.call(`${path}?${query}`), query).toMatchObject({
      status: 400,
      body: { code: "invalid_request" },
    });
  const down = proxy.disturb({ ...pages(acme), at: "request", by: "cut" });
  const { status, body } = await acme.owner.call(`${worker.url}${path}`);
  down.lift();
  expect([status, body["code"]]).toEqual([503, "dependency_unavailable"]);
});

test("who loses their rights midway gets no more rows, and sees that the file is not whole", async () => {
  const acme = await newSeenTenant();
  const admin = await acme.member({ tenantRole: "admin" });
  await fillLog(acme.db, 2600);
  const held = proxy.disturb(nextPages(acme, { by: "hold", times: 1 }));
  const asked = received(acme, admin);
  await held.first;
  await execute(acme.db, `update users set tenant_role = 'member' where id = '${admin.userId}'`);
  held.lift();
  const { text, whole } = await asked;
  expect(whole).toBe(false);
  expect(text.split("\n").slice(0, -1)).toHaveLength(500);
  expect(await brokenOff(acme)).toMatchObject([{ level: "warn", code: "forbidden" }]);
  const denials = () => listed(acme, { action: "DENY" });
  await expect.poll(denials).toMatchObject([{ actorId: admin.userId, reason: "forbidden" }]);
});

test("a platform admin whose grant ends by the clock midway gets no more rows", async () => {
  const acme = await newSeenTenant();
  await fillLog(acme.db, 2600);
  const operator = newPerson();
  const { issuer } = settings.identityProvider;
  await execute(
    registry,
    sql`insert into platform_admins values (${issuer}, ${operator.subject}, 1, 1)`,
  );
  await execute(
    acme.db,
    sql`insert into access_grants (id, issuer, subject, reason, mode, created_at, expires_at)
      values (${newId("grant")}, ${issuer}, ${operator.subject}, 'ticket 7', 'read', 1, ${Date.now() + 60_000})`,
  );
  const held = proxy.disturb({ ...nextPages(acme, { by: "hold", times: 1 }), at: "reply" });
  const claims = { [`${settings.CLAIM_NAMESPACE}global_admin`]: true };
  const asked = received(acme, { token: () => operator.token(claims) });
  await held.first;
  await execute(acme.db, sql`update access_grants set expires_at = ${Date.now() + 200}`);
  await new Promise((wake) => setTimeout(wake, 400));
  held.lift();
  const { text, whole } = await asked;
  expect(whole).toBe(false);
  expect(text.split("\n").slice(0, -1)).toHaveLength(1000);
  const looks = await listed(acme, { action: "READ" });
  expect(looks.map(({ reason }) => reason)).toEqual(["ticket 7"]);
});

test.each<[string, Pick<Disturbance, "by">]>([
  ["dies", { by: "cut" }],
  ["answers with half", { by: "stall" }],
  ["hangs", { by: "hold" }],
  ["is overloaded", { by: { answer: { status: 502 } } }],
])("a database that %s midway leaves a file that is seen not to be whole", async (_, fault) => {
  const acme = await newSeenTenant();
  await fillLog(acme.db, 2600);
  const down = proxy.disturb(nextPages(acme, fault));
  const { text, whole } = await received(acme, acme.owner);
  down.lift();
  expect(whole).toBe(false);
  expect(text.split("\n").slice(0, -1)).toHaveLength(500);
  expect(await brokenOff(acme)).toMatchObject([
    { level: "error", code: "dependency_unavailable", tenantId: acme.id },
  ]);
});

test("a client that leaves ends the reading", async () => {
  const acme = await newSeenTenant();
  await fillLog(acme.db, 20_000);
  const leaving = new AbortController();
  const held = proxy.disturb(nextPages(acme, { by: "hold", times: 1 }));
  const asked = acme.owner.call(`${worker.url}${path}`, { signal: leaving.signal });
  await held.first;
  leaving.abort(new Error("left"));
  await expect(asked).rejects.toThrow("left");
  held.lift();
  await new Promise((wake) => setTimeout(wake, 500));
  const { of } = nextPages(acme, { by: "hold" });
  expect(proxy.passages.filter(of).length).toBeLessThan(5);
});

/** What reads the log of this tenant. */
const pages = ({ id }: TestTenant) => ({
  of: ({ namespace, body }: Passage) =>
    namespace === databaseNameOf(id) && body.includes('from \\"audit_logs\\"'),
});
/** Every page but the first. */
const nextPages = (tenant: TestTenant, disturbance: Pick<Disturbance, "by" | "times">) => ({
  of: (passage: Passage) =>
    pages(tenant).of(passage) && passage.body.includes('+\\"audit_logs\\".\\"sequence\\" <='),
  at: disturbance.by === "stall" ? ("reply" as const) : ("request" as const),
  ...disturbance,
});

/** What arrives of the file, and whether it came to its end. */
async function received({ slug }: TestTenant, person: Pick<Person, "token">) {
  const headers = { authorization: `Bearer ${await person.token()}`, "x-tenant-id": slug };
  return await new Promise<{ text: string; whole: boolean }>((resolve, reject) => {
    const asked = send(`${worker.url}${path}`, { headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      // That it breaks off is told by `complete`.
      response.on("error", () => {});
      response.on("close", () => resolve({ text, whole: response.complete }));
    });
    asked.on("error", reject).end();
  });
}

const brokenOff = async ({ id }: TestTenant) => {
  const own = () =>
    worker.lines.filter((line) => line["event"] === "answer_broken_off" && line["tenantId"] === id);
  await expect.poll(own).not.toEqual([]);
  return own();
};
