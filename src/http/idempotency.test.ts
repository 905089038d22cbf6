import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { databaseNameOf } from "../platform/platform.ts";
import { type Answer, type Call, codeOf } from "../testing/client.ts";
import { servedContract } from "../testing/contract.ts";
import { dump } from "../testing/dump.ts";
import {
  naming,
  newPerson,
  newTenant,
  type Person,
  stack,
  type TestTenant,
} from "../testing/harness.ts";
import { accept, invited } from "../testing/invitations.ts";
import { mailsTo } from "../testing/mails.ts";
import { furnish, newPlatformAdmin } from "../testing/operators.ts";
import { knownOf, prepare, realBody, realPath, unmet } from "../testing/paths.ts";
import { type DatabaseProxy, startProxy } from "../testing/proxy.ts";
import { execute, rowsOf } from "../testing/raw-sql.ts";
import { placeAccount } from "../testing/rows.ts";
import { stored, once as storedOnce } from "../testing/stored.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";

const newUser = (email = `${randomUUID()}@acme.test`) => ({ name: "Ada", email });
const post = (body: unknown, key: string): Call => ({
  method: "POST",
  body,
  headers: { "idempotency-key": key },
});
const users = "/api/v1/users";
/** All a client can tell two answers apart by, but for what differs between any two. */
const told = ({ status, headers, body }: Answer) => ({
  status,
  etag: headers["etag"],
  location: headers["location"],
  body: body === null || typeof body !== "object" ? body : { ...body, requestId: "" },
});

test("a request sent twice with one key has one effect and one answer", async () => {
  const acme = await newTenant();
  const create = post(newUser(), "one");
  const first = await acme.owner.call(users, create);
  const before = await dump(acme.db);
  const again = await acme.owner.call(users, create);
  expect(first.status).toBe(201);
  expect(told(again)).toEqual(told(first));
  expect(first.headers["idempotency-replayed"]).toBeUndefined();
  expect(again.headers["idempotency-replayed"]).toBe("true");
  expect(await dump(acme.db)).toEqual(before);
});

test("of 25 sent at once with one key one has an effect, and all get its answer", async () => {
  const acme = await newTenant();
  const body = newUser();
  const create = post(body, "one");
  const answers = await Promise.all(
    Array.from({ length: 25 }, () => acme.owner.call(users, create)),
  );
  for (const answer of answers) expect(told(answer)).toEqual(told(answers[0] as Answer));
  expect(answers[0]?.status).toBe(201);
  expect(answers.filter(({ headers }) => headers["idempotency-replayed"])).toHaveLength(24);
  expect(await stored(acme, body.email)).toEqual(storedOnce);
});

test("the answer is that of the first request, whatever has changed since", async () => {
  const acme = await newTenant();
  const create = post(newUser(), "one");
  const first = await acme.owner.call(users, create);
  const user = `${users}/${first.body["id"]}`;
  await acme.owner.call(user, { method: "PATCH", body: { name: "Grace" } });
  expect(told(await acme.owner.call(users, create))).toEqual(told(first));
  await acme.owner.call(user, { method: "DELETE" });
  expect(told(await acme.owner.call(users, create))).toEqual(told(first));
});

test("another body, query or account under one key is refused, and has no effect", async () => {
  const acme = await newTenant();
  const branch = await placeAccount(acme.db, "Branch");
  const body = newUser();
  await acme.owner.call(users, post(body, "one"));
  const before = await dump(acme.db);
  const others: [string, Call][] = [
    [users, post(newUser(), "one")],
    [users, post({ ...body, name: "Grace" }, "one")],
    [users, post(JSON.stringify(body, null, 1), "one")],
    [`${users}?x=1`, post(body, "one")],
    [
      users,
      {
        ...post(body, "one"),
        headers: {
          "idempotency-key": "one",
          "account-id": branch,
          "content-type": "application/json",
        },
      },
    ],
  ];
  for (const [path, call] of others)
    expect(codeOf(await acme.owner.call(path, withType(call)))).toBe("422 idempotency_mismatch");
  expect(await dump(acme.db)).toEqual(before);
});
const withType = (call: Call): Call => ({
  ...call,
  headers: { "content-type": "application/json", ...call.headers },
});

test("a key is the caller's own, of one tenant and one operation", async () => {
  const [acme, globex] = [await newTenant(), await newTenant()];
  const admin = await acme.member({ tenantRole: "admin" });
  const answers = [
    await acme.owner.call(users, post(newUser(), "one")),
    await admin.call(users, post(newUser(), "one")),
    await globex.owner.call(users, post(newUser(), "one")),
    await acme.owner.call("/api/v1/invitations", post({ email: newPerson().email }, "one")),
    await acme.owner.call(users, post(newUser(), "two")),
  ];
  expect(answers.map(codeOf)).toEqual(["201", "201", "201", "201", "201"]);
});

test("a key is good for a day", async () => {
  const acme = await newTenant();
  const create = post(newUser(), "one");
  await acme.owner.call(users, create);
  const [row] = await rowsOf<{ left: number }>(
    acme.db,
    "select expires_at - unixepoch() * 1000 as left from idempotency_keys",
  );
  expect(Math.round((row?.left ?? 0) / 3_600_000)).toBe(24);
  await execute(acme.db, "update idempotency_keys set expires_at = 1");
  expect(codeOf(await acme.owner.call(users, create))).toBe("409 email_taken");
  const next = await acme.owner.call(users, post(newUser(), "one"));
  expect(next.status).toBe(201);
  expect(await rowsOf(acme.db, "select id from idempotency_keys")).toHaveLength(1);
});

test("what was refused or wrong has taken no key", async () => {
  const acme = await newTenant();
  const viewer = await acme.member({ accountRole: "VIEWER" });
  const body = newUser();
  expect(codeOf(await viewer.call(users, post(body, "one")))).toBe("403 forbidden");
  expect(codeOf(await acme.owner.call(users, post({ name: "" }, "one")))).toBe(
    "400 invalid_request",
  );
  expect(codeOf(await acme.owner.call(users, post(body, "one")))).toBe("201");
  expect(codeOf(await acme.owner.call(users, post(body, "two")))).toBe("409 email_taken");
  expect(codeOf(await acme.owner.call(users, post(newUser(), "two")))).toBe("201");
});

test("whoever lost the right to a thing is not told what came of it", async () => {
  const acme = await newTenant();
  const boss = await acme.member({ accountRole: "ADMIN" });
  const create = post(newUser(), "one");
  expect((await boss.call(users, create)).status).toBe(201);
  await execute(
    acme.db,
    `update account_members set role = 'VIEWER' where user_id = '${boss.userId}'`,
  );
  expect(codeOf(await boss.call(users, create))).toBe("403 forbidden");
});

test.each(["", " ", "with spaces", "x".repeat(256), "ümlaut"])("%j is no key", async (key) => {
  const acme = await newTenant();
  const answer = await acme.owner.call(users, {
    method: "POST",
    body: newUser(),
    headers: { "idempotency-key": Buffer.from(key).toString("latin1") },
  });
  expect(codeOf(answer)).toBe("400 invalid_request");
  expect(answer.body["errors"]).toMatchObject([{ in: "header", path: "idempotency-key" }]);
});

test("an API key whose answer was lost is told again, though its text is stored nowhere", async () => {
  const acme = await newTenant();
  const create = post({ name: "Key", scopes: [] }, "one");
  const first = await acme.owner.call("/api/v1/api-keys", create);
  const again = await acme.owner.call("/api/v1/api-keys", create);
  expect(first.body["key"]).toMatch(/^tnt_live_/);
  expect(told(again)).toEqual(told(first));
  expect(JSON.stringify(await dump(acme.db))).not.toContain(String(first.body["key"]));
  const other = await acme.owner.call("/api/v1/api-keys", post({ name: "Key", scopes: [] }, "two"));
  expect(other.body["key"]).not.toBe(first.body["key"]);

  await execute(acme.db, "update idempotency_keys set expires_at = 1");
  const dayAfter = await acme.owner.call("/api/v1/api-keys", create);
  expect(dayAfter.status, "another request by then").toBe(201);
  expect(dayAfter.body["key"]).not.toBe(first.body["key"]);
});

test("an invitation repeated is one mail, and an acceptance repeated is no second one", async () => {
  const acme = await newTenant();
  const [ada, bob] = [newPerson(), newPerson()];
  const invite = post({ email: ada.email }, "one");
  for (let i = 0; i < 3; i++)
    expect((await acme.owner.call("/api/v1/invitations", invite)).status).toBe(201);
  await expect.poll(() => mailsTo(ada.email).length).toBe(1);

  const { token } = await invited(acme.owner, bob);
  const key = { "idempotency-key": "accept" };
  const first = await accept(bob, token, key);
  const again = await accept(bob, token, key);
  expect([first.status, told(again)]).toEqual([200, told(first)]);
  expect(codeOf(await accept(bob, token))).toBe("409 invitation_used");
  expect(mailsTo(ada.email)).toHaveLength(1);
});

describe("over a line that fails", () => {
  let proxy: DatabaseProxy;
  let worker: RunningWorker;
  let acme: TestTenant;
  beforeAll(async () => {
    proxy = await startProxy(stack.settings);
    const settings = { ...stack.settings, ...proxy.settings, DATABASE_TIMEOUT_MS: "700" };
    worker = await startWorker({ bundle: stack.bundle, settings });
    acme = await newTenant(worker.url);
    await acme.owner.call(users);
  });
  afterAll(async () => {
    await worker.stop();
    await proxy.stop();
  });

  test.each([
    ["lost before it was heard", "request", "cut"],
    ["lost after it was done", "reply", "cut"],
    ["that never came", "reply", "hold"],
  ] as const)("a request whose answer was %s is safe to repeat", async (_, at, by) => {
    const body = newUser();
    const create = post(body, randomUUID());
    const fault = proxy.disturb({
      of: ({ namespace, body: sent }) =>
        namespace === databaseNameOf(acme.id) && sent.includes("idempotency_keys"),
      at,
      by,
      times: 1,
    });
    expect(codeOf(await acme.owner.call(users, create))).toBe("503 dependency_unavailable");
    fault.lift();
    const again = await acme.owner.call(users, create);
    expect(again).toMatchObject({ status: 201, body: { email: body.email } });
    expect(told(await acme.owner.call(users, create))).toEqual(told(again));
    expect(await stored(acme, body.email)).toEqual(storedOnce);
  });

  test("a sign-up repeated while it runs is refused with a time to come back, then answered as the first", async () => {
    const founder = newPerson(worker.url);
    const slug = `t-${randomUUID().slice(0, 13)}`;
    const register = post({ name: "Slow", slug }, "signup");
    const path = "/api/v1/tenants/register";
    const creation = proxy.disturb({
      of: ({ door, path: asked }) => door === "admin" && asked.endsWith("/create"),
      at: "request",
      by: "hold",
      times: 1,
    });
    const first = founder.call(path, register);
    await creation.first;
    const early = await founder.call(path, register);
    expect(codeOf(early)).toBe("409 idempotency_in_flight");
    expect(Number(early.headers["retry-after"])).toBeGreaterThan(0);
    creation.lift();
    const done = await first;
    expect(done.status).toBe(201);
    expect(told(await founder.call(path, register))).toEqual(told(done));
    const other = await founder.call(path, post({ name: "Other", slug }, "signup"));
    expect(codeOf(other)).toBe("422 idempotency_mismatch");
    expect(codeOf(await founder.call(path, post({ name: "Slow", slug }, "anew")))).toBe(
      "409 slug_taken",
    );
  });
});

const { operations } = await servedContract();
const posts = operations.filter(({ method, security }) => method === "POST" && security.length > 0);
test.each(posts.map((operation) => [operation.path, operation] as const))(
  "POST %s takes a key, and answers a repetition as it answered first",
  async (_, operation) => {
    const names = operation.parameters.map(({ name }) => name);
    expect(names).toContain("Idempotency-Key");
    const tenant = await newTenant();
    await furnish(tenant);
    const callers: Record<string, Pick<Person, "call">> = {
      identity: newPerson(),
      operator: await newPlatformAdmin(),
      tenant: naming(tenant.owner, {}),
    };
    const caller = callers[operation["x-plane"]] as Pick<Person, "call">;
    const path = await realPath(operation, caller, await knownOf(tenant));
    await prepare(path, caller);
    const call = post(await realBody(operation, caller), "generic");
    const first = await caller.call(path, call);
    const expected = unmet[operation.operationId];
    expect(codeOf(first)).toMatch(expected ? new RegExp(`^${expected}$`) : /^2\d\d$/);
    const again = await caller.call(path, call);
    expect(told(again)).toEqual(told(first));
    expect(again.headers["idempotency-replayed"]).toBe(expected ? undefined : "true");
  },
);
