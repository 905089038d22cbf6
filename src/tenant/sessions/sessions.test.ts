import { expect, test } from "vitest";
import { codeOf } from "../../testing/client.ts";
import { naming, newTenant, type TestTenant } from "../../testing/harness.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
import type { Session } from "./sessions.schema.ts";

const path = "/api/v1/sessions";
type Caller = TestTenant["owner"];
const ask = async (person: Pick<Caller, "call">) => codeOf(await person.call("/api/v1/tenant"));
const listed = async (person: Pick<Caller, "call">, of = path) =>
  (await person.call<{ data: Session[] }>(of)).body.data;

/** The same person on another device. */
const onDevice = async (person: Caller, claims: Record<string, unknown>, agent = "device") =>
  naming(person, {
    authorization: `Bearer ${await person.token(claims)}`,
    "user-agent": agent,
    "cf-connecting-ip": "203.0.113.7",
  });

/** Until this many sessions of theirs are known. */
const seen = (person: Caller, count: number) =>
  expect.poll(async () => (await listed(person)).length).toBe(count);

test("a session is known by its first request: when, from where and with what", async () => {
  const acme = await newTenant();
  const phone = await onDevice(acme.owner, { sid: "phone" }, "phone/1.0");
  expect(await ask(phone)).toBe("200");
  await seen(acme.owner, 2);
  const sessions = await listed(phone);
  expect(sessions.filter(({ current }) => current)).toMatchObject([
    { userId: acme.owner.userId, userAgent: "phone/1.0", ip: "203.0.113.7" },
  ]);
  expect(sessions.filter(({ current }) => !current)).toHaveLength(1);
  const log = await rowsOf(acme.db, "select * from audit_logs where entity = 'user_sessions'");
  expect(log).toHaveLength(2);
  expect(log[0]).toMatchObject({ actor_type: "user", actor_id: acme.owner.userId });
});

test.each<[string, object, object]>([
  ["sid", { sid: "one" }, { sid: "two" }],
  ["jti, where there is no sid", { sid: undefined, jti: "one" }, { sid: undefined, jti: "two" }],
  ["iat, where there is neither", { sid: undefined, iat: 1000 }, { sid: undefined, iat: 2000 }],
])("tokens belong to one session by their %s", async (_, one, two) => {
  const acme = await newTenant();
  const member = await acme.member();
  const [first, again, other] = [
    await onDevice(member, one as Record<string, unknown>),
    await onDevice(member, { ...one, note: "another token" }),
    await onDevice(member, two as Record<string, unknown>),
  ];
  expect([await ask(first), await ask(again), await ask(other)]).toEqual(["200", "200", "200"]);
  await expect.poll(async () => (await listed(first)).length).toBe(2);
  const mine = (await listed(first)).find(({ current }) => current);
  await first.call(`${path}/${mine?.id}`, { method: "DELETE" });
  expect([await ask(first), await ask(again), await ask(other)]).toEqual([
    "401 session_revoked",
    "401 session_revoked",
    "200",
  ]);
});

test("signing out ends this session at once, and no other", async () => {
  const acme = await newTenant();
  const phone = await onDevice(acme.owner, { sid: "phone" });
  const answer = await phone.call(`${path}/current`, { method: "DELETE" });
  expect(answer.status).toBe(204);
  const refused = await phone.call("/api/v1/tenant");
  expect(codeOf(refused)).toBe("401 session_revoked");
  expect(refused.headers["www-authenticate"]).toContain('error="invalid_token"');
  expect(codeOf(await phone.call("/api/v1/users", { method: "POST", body: {} }))).toBe(
    "401 session_revoked",
  );
  expect(await ask(acme.owner)).toBe("200");
  expect(await ask(await onDevice(acme.owner, { sid: "phone again" }))).toBe("200");
});

test("a session of one tenant says nothing about another's", async () => {
  const [acme, globex] = [await newTenant(), await newTenant()];
  const phone = await onDevice(acme.owner, { sid: "phone" });
  await phone.call(`${path}/current`, { method: "DELETE" });
  const inGlobex = naming(phone, { "x-tenant-id": globex.slug });
  expect(await ask(inGlobex)).toBe("403 tenant_forbidden");
  const theirs = await onDevice(globex.owner, { sid: "phone" });
  expect(await ask(theirs)).toBe("200");
});

test("an admin sees and ends the sessions of those they may manage, and of nobody else", async () => {
  const acme = await newTenant();
  const [admin, member, other] = [
    await acme.member({ tenantRole: "admin" }),
    await acme.member({ accountRole: "ADMIN" }),
    await acme.member({ accountRole: "ADMIN" }),
  ];
  for (const person of [acme.owner, admin, member, other]) await ask(person);
  await seen(member, 1);
  await seen(acme.owner, 1);
  const of = (person: Caller) => `/api/v1/users/${person.userId}/sessions`;
  const [theirs] = await listed(admin, of(member));
  const [owners] = await listed(admin, of(acme.owner));
  const end = (person: Caller, session: Session | undefined) =>
    person.call(`${path}/${session?.id}`, { method: "DELETE" });

  expect(codeOf(await other.call(of(member)))).toBe("403 forbidden");
  expect(codeOf(await end(other, theirs))).toBe("404 not_found");
  expect(codeOf(await end(admin, owners))).toBe("404 not_found");
  expect(codeOf(await end(admin, theirs))).toBe("204");
  expect(await ask(member)).toBe("401 session_revoked");
  expect(codeOf(await end(admin, theirs))).toBe("404 not_found");

  expect(codeOf(await admin.call(of(acme.owner), { method: "DELETE" }))).toBe("403 forbidden");
  expect(codeOf(await acme.owner.call(of(admin), { method: "DELETE" }))).toBe("204");
  expect(await ask(admin)).toBe("401 session_revoked");
  const nobody = "/api/v1/users/usr_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d/sessions";
  expect(codeOf(await acme.owner.call(nobody, { method: "DELETE" }))).toBe("404 not_found");
  expect(codeOf(await acme.owner.call(nobody))).toBe("404 not_found");
});

test("ending all sessions of somebody ends each, seen from now on or before", async () => {
  const acme = await newTenant();
  const member = await acme.member();
  const devices = await Promise.all(["a", "b", "c"].map((sid) => onDevice(member, { sid })));
  for (const device of devices) await ask(device);
  await expect.poll(async () => (await listed(member)).length).toBeGreaterThanOrEqual(3);
  const all = `/api/v1/users/${member.userId}/sessions`;
  expect((await acme.owner.call(all, { method: "DELETE" })).status).toBe(204);
  for (const device of devices) expect(await ask(device)).toBe("401 session_revoked");
  const unseen = await onDevice(member, { sid: "stolen", iat: Math.floor(Date.now() / 1000) - 60 });
  expect(await ask(unseen)).toBe("401 session_revoked");
  expect(await listed(acme.owner, all)).toEqual([]);
  const changes = await rowsOf(
    acme.db,
    "select * from audit_logs where entity = 'user_sessions' and action = 'UPDATE'",
  );
  expect(changes.length).toBeGreaterThanOrEqual(3);
});

test("a busy session writes once a minute, and no log of it", async () => {
  const acme = await newTenant();
  const member = await acme.member({ accountRole: "ADMIN" });
  await Promise.all(Array.from({ length: 20 }, () => member.call("/api/v1/users")));
  await seen(member, 1);
  const [before] = await listed(member);
  await Promise.all(Array.from({ length: 20 }, () => member.call("/api/v1/users")));
  expect(await listed(member)).toEqual([before]);
  await acme.db.run("update user_sessions set last_seen_at = last_seen_at - 120000");
  const updates = "select * from audit_logs where entity = 'user_sessions' and action = 'UPDATE'";
  expect(await rowsOf(acme.db, updates)).toEqual([]);
});

test("one can sign out everywhere oneself", async () => {
  const acme = await newTenant();
  const member = await acme.member();
  const phone = await onDevice(member, { sid: "phone" });
  expect([await ask(member), await ask(phone)]).toEqual(["200", "200"]);
  expect(codeOf(await phone.call(path, { method: "DELETE" }))).toBe("204");
  expect([await ask(member), await ask(phone)]).toEqual([
    "401 session_revoked",
    "401 session_revoked",
  ]);
  const later = { sid: "later", iat: Math.floor(Date.now() / 1000) + 2 };
  expect(await ask(await onDevice(member, later))).toBe("200");
});
