import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freePort } from "../../scripts/stack/process.ts";
import { call } from "../testing/client.ts";
import { newPerson, newTenant, stack, type TestTenant } from "../testing/harness.ts";
import { execute } from "../testing/raw-sql.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";

let worker: RunningWorker;
let acme: TestTenant;
beforeAll(async () => {
  worker = await startWorker({ bundle: stack.bundle, settings: stack.settings });
  acme = await newTenant(worker.url);
});
afterAll(() => worker.stop());

/** The lines of one request, once they have arrived. */
const linesOf = (requestId: string, { lines } = worker) =>
  vi.waitFor(() => {
    const own = lines.filter((line) => line["requestId"] === requestId);
    expect(own.length).toBeGreaterThan(0);
    return own;
  });

/** Lines come in order: once the last request's is there, all are. */
async function everythingIsLogged(): Promise<void> {
  const last = randomUUID();
  await call(`${worker.url}/health`, { headers: { "x-request-id": last } });
  await linesOf(last);
}

test("a request is one line: who, what, from where, how it went and what it cost", async () => {
  const requestId = randomUUID();
  const headers = {
    "x-request-id": requestId,
    "cf-connecting-ip": "203.0.113.7",
    "user-agent": "suite/1.0",
    "account-id": acme.accountId,
  };
  const { status } = await acme.owner.call("/api/v1/users?search=secret-word", { headers });
  expect(status).toBe(200);
  const own = await linesOf(requestId);
  expect(own).toEqual([
    {
      level: "info",
      event: "request",
      requestId,
      method: "GET",
      path: "/api/v1/users",
      transactionId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/) as string,
      status: 200,
      ms: expect.any(Number) as number,
      trips: expect.any(Number) as number,
      tenantId: acme.id,
      caller: "user",
      subject: acme.owner.subject,
      ip: "203.0.113.7",
      userAgent: "suite/1.0",
    },
  ]);
  expect(own[0]?.["trips"]).toBeGreaterThan(0);
});

test("every kind of request is exactly one line, at the level of its outcome", async () => {
  const id = () => ({ "x-request-id": randomUUID() });
  const url = (path: string) => `${worker.url}${path}`;
  const cases = [
    ["info", 200, (headers: object) => call(url("/health"), { headers: { ...headers } })],
    [
      "info",
      204,
      (headers: object) => call(url("/x"), { method: "OPTIONS", headers: { ...headers } }),
    ],
    ["info", 404, (headers: object) => call(url("/nowhere"), { headers: { ...headers } })],
    [
      "info",
      405,
      (headers: object) => call(url("/health"), { method: "PUT", headers: { ...headers } }),
    ],
    [
      "info",
      413,
      (headers: object) =>
        call(url("/health"), { method: "POST", headers: { ...headers }, body: "x".repeat(70_000) }),
    ],
    ["warn", 401, (headers: object) => call(url("/api/v1/users"), { headers: { ...headers } })],
    [
      "warn",
      403,
      (headers: object) =>
        newPerson(worker.url).call("/api/v1/users", {
          headers: { ...headers, "x-tenant-id": acme.slug },
        }),
    ],
    [
      "info",
      400,
      (headers: object) => acme.owner.call("/api/v1/users?page=0", { headers: { ...headers } }),
    ],
  ] as const;
  const outcomes = new Map<string, unknown[]>();
  for (const [level, status, ask] of cases) {
    const headers = id();
    expect((await ask(headers)).status).toBe(status);
    outcomes.set(headers["x-request-id"], [["request", level, status]]);
  }
  await everythingIsLogged();
  for (const [requestId, lines] of outcomes)
    expect(
      (await linesOf(requestId)).map((line) => [line["event"], line["level"], line["status"]]),
    ).toEqual(lines);
});

test("an unforeseen failure tells the client no more than its request id, and the log where it came from", async () => {
  const broken = await newTenant(worker.url);
  await execute(
    broken.db,
    "create trigger broken before insert on users begin select raise(abort, 'CHECK constraint failed: of_ours'); end",
  );
  const { status, headers, body } = await broken.owner.call("/api/v1/users", {
    method: "POST",
    body: { email: "ada@log.test", name: "Ada" },
  });
  expect(status).toBe(500);
  expect(body).toMatchObject({
    code: "internal_error",
    title: "Internal server error",
    detail: "Quote the request id when you report this",
  });
  expect(JSON.stringify(body)).not.toContain("of_ours");
  const [line] = await linesOf(headers["x-request-id"] ?? "");
  expect(line).toMatchObject({ level: "error", status: 500, code: "internal_error" });
  expect(JSON.stringify(line?.["causes"])).toContain("CHECK constraint failed: of_ours");
  expect(JSON.stringify(line)).not.toContain("ada@log.test");
  expect(line?.["stack"]).toEqual(expect.arrayContaining([expect.stringMatching(/^at /)]));
});

test("a failure's line says its code and its causes", async () => {
  const port = await freePort();
  const settings = { ...stack.settings, GLOBAL_DATABASE_URL: `http://127.0.0.1:${port}` };
  const alone = await startWorker({ bundle: stack.bundle, settings });
  try {
    const requestId = randomUUID();
    const headers = { "x-request-id": requestId };
    const { status, body } = await newPerson(alone.url).call("/api/v1/tenants", { headers });
    expect([status, body["code"]]).toEqual([503, "dependency_unavailable"]);
    const [line] = await linesOf(requestId, alone);
    expect(line).toMatchObject({ level: "error", status: 503, code: "dependency_unavailable" });
    expect(line?.["causes"]).toEqual([
      "ApiError: The registry does not answer",
      expect.stringMatching(/^Error: Network/) as string,
    ]);
    expect(JSON.stringify(body)).not.toContain(`${port}`);
  } finally {
    await alone.stop();
  }
});

test("no line ever holds a token, an address, a name, a body or SQL, whatever goes wrong", async () => {
  const secret = `hush${randomUUID().slice(0, 8)}`;
  const email = `${secret}@log.test`;
  const token = await acme.owner.token({ name: secret, email });
  const headers = { authorization: `Bearer ${token}` };
  const send = (method: string, path: string, body?: unknown, more: object = {}) =>
    acme.owner.call(path, {
      method,
      body: body ?? undefined,
      headers: { ...headers, ...more },
    });
  const users = "/api/v1/users";
  const broken = token.slice(0, -6);
  const statuses = [
    await send("POST", users, { email, name: secret }),
    await send("POST", users, { email, name: secret }),
    await send("POST", users, { email: secret, name: `${secret}\u0000`, role: secret }),
    await send("POST", users, `{"name":"${secret}`),
    await send("POST", users, secret, { "content-type": "text/plain" }),
    await send("PATCH", `${users}/${acme.owner.userId}`, { email }),
    await send("PATCH", `${users}/${acme.owner.userId}`, { profileImage: `javascript:${secret}` }),
    await send("GET", `${users}?search=${secret}&status=${secret}`),
    await send("GET", `${users}?cursor=${secret}`),
    await send("GET", users, undefined, { authorization: `Bearer ${broken}` }),
    await send("GET", users, undefined, { authorization: `Basic ${secret}` }),
    await send("GET", users, undefined, { "if-match": secret, "account-id": secret }),
  ].map(({ status }) => status);
  expect(statuses).toEqual([201, 409, 400, 400, 415, 409, 400, 400, 400, 401, 401, 403]);
  await everythingIsLogged();
  const log = JSON.stringify(worker.lines);
  expect(log).not.toContain(secret);
  expect(log).not.toContain(email);
  expect(log).not.toContain(broken.slice(0, 60));
  expect(log).not.toContain(token.split(".")[1]);
  expect(log).not.toMatch(/\b(insert into|select .* from|update users|Failed query)\b/i);
  for (const key of ["GLOBAL_AUTH_TOKEN", "ENCRYPTION_KEY", "SQLD_ADMIN_KEY", "SQLD_JWT_KEY"])
    expect(log, key).not.toContain(stack.settings[key]);
});
