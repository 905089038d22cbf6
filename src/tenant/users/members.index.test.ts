import { afterAll, beforeAll, expect, test } from "vitest";
import type { TenantRole } from "../../core/roles.ts";
import type { Problem } from "../../http/problem.ts";
import {
  type Member,
  newPerson,
  newTenant,
  type Person,
  settings,
  stack,
  type TestTenant,
} from "../../testing/harness.ts";
import { type DatabaseProxy, startProxy } from "../../testing/proxy.ts";
import { execute } from "../../testing/raw-sql.ts";
import { awaited, indexOf, joinTenant } from "../../testing/rows.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";

let proxy: DatabaseProxy;
let worker: RunningWorker;
let acme: TestTenant;
beforeAll(async () => {
  proxy = await startProxy(stack.settings);
  const variables = { ...stack.settings, ...proxy.settings };
  worker = await startWorker({ bundle: stack.bundle, settings: variables });
  acme = await newTenant(worker.url);
});
afterAll(async () => {
  await worker.stop();
  await proxy.stop();
});

type Caller = Pick<Person, "call">;
const path = "/api/v1/tenant/members";
const give = ({ call }: Caller, { userId }: Member, tenantRole: TenantRole, tag = "*") =>
  call<Problem>(`${path}/${userId}`, {
    method: "PATCH",
    headers: { "if-match": tag },
    body: { tenantRole },
  });
const remove = ({ call }: Caller, { userId }: Member, tag = "*") =>
  call<Problem>(`${path}/${userId}`, { method: "DELETE", headers: { "if-match": tag } });
const leave = ({ call }: Caller) => call<Problem>(`${path}/me`, { method: "DELETE" });
const outcome = ({ status, body }: { status: number; body: Problem }) =>
  body.code ? `${status} ${body.code}` : `${status}`;
const join = () => joinTenant(acme, newPerson(worker.url));
const listed = (role: TenantRole) => [{ role, status: "active" }];
const myTenants = async ({ call }: Caller) => {
  const headers = { "x-tenant-id": undefined };
  const { body } = await call<{ data: { id: string; role: string }[] }>("/api/v1/tenants", {
    headers,
  });
  return body.data.map(({ id, role }) => [id, role]);
};

/** The registry is down for writing until lifted; the tenant's database is not. */
const registryDown = () =>
  proxy.disturb({
    of: ({ namespace, body }) => namespace === "registry" && body.includes("audit_context"),
    at: "request",
    by: "cut",
  });

test("the index of memberships follows a role, a removal and a leave", async () => {
  const [ada, bob] = [await join(), await join()];
  expect(await indexOf(acme, ada)).toEqual(listed("member"));
  await give(acme.owner, ada, "admin");
  expect(await indexOf(acme, ada)).toEqual(listed("admin"));
  expect(await myTenants(ada)).toEqual([[acme.id, "admin"]]);
  await give(acme.owner, ada, "owner");
  expect(await indexOf(acme, ada)).toEqual(listed("owner"));
  await remove(acme.owner, ada);
  expect(await indexOf(acme, ada)).toEqual([]);
  expect(await myTenants(ada)).toEqual([]);
  expect(outcome(await leave(bob))).toBe("204");
  expect(await indexOf(acme, bob)).toEqual([]);
});

test("every identity of a user follows", async () => {
  const [ada, second] = [await join(), newPerson(worker.url)];
  const { issuer } = settings.identityProvider;
  await execute(
    acme.db,
    `insert into user_identities select 'idn_second', '${issuer}', '${second.subject}', '${ada.userId}', null, 1`,
  );
  await give(acme.owner, ada, "admin");
  for (const person of [ada, second]) expect(await indexOf(acme, person)).toEqual(listed("admin"));
  const asSecond: Caller = {
    call: (to, options = {}) =>
      second.call(to, { ...options, headers: { "x-tenant-id": acme.slug, ...options.headers } }),
  };
  expect(outcome(await leave(asSecond))).toBe("204");
  for (const person of [ada, second]) expect(await indexOf(acme, person)).toEqual([]);
});

test("what was refused leaves the index alone", async () => {
  const ada = await join();
  const admin = await acme.member({ tenantRole: "admin" });
  const stale = `"${acme.id}.9"`;
  const answers = [
    await give(admin, ada, "owner"),
    await give(acme.owner, ada, "admin", stale),
    await remove(acme.owner, ada, stale),
    await give(ada, ada, "admin"),
    await leave(acme.owner),
  ];
  expect(answers.map(({ status }) => status)).toEqual([403, 412, 412, 403, 409]);
  expect(await indexOf(acme, ada)).toEqual(listed("member"));
  expect(await indexOf(acme, acme.owner)).toEqual(listed("owner"));
});

test("a role whose index was missed holds, and its repetition mends the index, stale tag or fresh", async () => {
  for (const repeated of [`"${acme.id}.1"`, "*"]) {
    const ada = await join();
    const crash = registryDown();
    expect(outcome(await give(acme.owner, ada, "admin", `"${acme.id}.1"`))).toBe(
      "503 dependency_unavailable",
    );
    crash.lift();
    expect((await ada.call(path)).status, "the tenant's own database decides").toBe(200);
    expect(await indexOf(acme, ada)).toEqual(listed("member"));
    const again = await give(acme.owner, ada, "admin", repeated);
    expect(outcome(again)).toBe(repeated === "*" ? "200" : "412 precondition_failed");
    expect(await indexOf(acme, ada)).toEqual(listed("admin"));
  }
});

test("a repetition by who may not do it, or of another role, mends nothing", async () => {
  const ada = await join();
  const admin = await acme.member({ tenantRole: "admin" });
  const crash = registryDown();
  await give(acme.owner, ada, "owner", `"${acme.id}.1"`);
  crash.lift();
  expect(outcome(await give(admin, ada, "owner", `"${acme.id}.1"`))).toBe("403 forbidden");
  expect(outcome(await give(acme.owner, ada, "admin", `"${acme.id}.1"`))).toBe(
    "412 precondition_failed",
  );
  expect(await indexOf(acme, ada)).toEqual(listed("member"));
});

test("a removal whose index was missed holds, and its repetition mends the index", async () => {
  const ada = await join();
  const crash = registryDown();
  expect(outcome(await remove(acme.owner, ada))).toBe("503 dependency_unavailable");
  crash.lift();
  expect(outcome(await ada.call<Problem>("/api/v1/tenant"))).toBe("403 tenant_forbidden");
  expect(await indexOf(acme, ada)).toEqual(listed("member"));
  expect(outcome(await remove(acme.owner, ada))).toBe("404 not_found");
  expect(await indexOf(acme, ada)).toEqual([]);
});

test("a leave whose index was missed holds, and asking again takes the person off the list", async () => {
  const ada = await join();
  const crash = registryDown();
  expect(outcome(await leave(ada))).toBe("503 dependency_unavailable");
  crash.lift();
  expect(await myTenants(ada)).toEqual([[acme.id, "member"]]);
  expect(outcome(await ada.call<Problem>("/api/v1/tenant"))).toBe("403 tenant_forbidden");
  expect(await indexOf(acme, ada), "only a leave mends it").toEqual(listed("member"));
  expect(outcome(await leave(ada))).toBe("403 tenant_forbidden");
  expect(await myTenants(ada)).toEqual([]);
});

test("a stranger who leaves changes nothing, and writes nothing to the registry", async () => {
  const stranger = newPerson(worker.url);
  const headers = { "x-tenant-id": acme.slug };
  const before = proxy.passages.length;
  const answer = await stranger.call<Problem>(`${path}/me`, { method: "DELETE", headers });
  expect(outcome(answer)).toBe("403 tenant_forbidden");
  const written = proxy.passages
    .slice(before)
    .filter(({ namespace, body }) => namespace === "registry" && /audit_context/.test(body));
  expect(written).toEqual([]);
});

test("a membership that waits is used up by whoever comes only to leave, and kept for who is out", async () => {
  const newcomer = await awaited(acme, {}, newPerson(worker.url));
  expect(outcome(await leave(newcomer))).toBe("204");
  expect(await indexOf(acme, newcomer)).toEqual([]);

  const ada = await join();
  await remove(acme.owner, ada);
  const waiting = await awaited(acme, {}, ada);
  expect(outcome(await leave(waiting))).toBe("403 tenant_forbidden");
  expect(await indexOf(acme, ada)).toEqual([{ role: "member", status: "waiting" }]);
});
