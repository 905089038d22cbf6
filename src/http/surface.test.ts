import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { type Answer, call } from "../testing/client.ts";
import { servedContract } from "../testing/contract.ts";
import { newTenant, stack, type TestTenant } from "../testing/harness.ts";
import type { Problem } from "./problem.ts";

const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const url = (path: string) => `${stack.apiUrl}${path}`;
const users = "/api/v1/users";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

test("every answer names its request, and no two are named alike", async () => {
  const answers = await Promise.all(
    ["/health", "/health", "/nowhere", users].map((path) => call(url(path))),
  );
  const ids = answers.map(({ headers }) => headers["x-request-id"] ?? "");
  for (const id of ids) expect(id).toMatch(uuidv7);
  expect(new Set(ids).size).toBe(4);
});

test.each(["12345678", "a.B:c_d-0", "x".repeat(128), randomUUID()])(
  "a well-formed request id is kept: %s",
  async (id) => {
    const headers = { "x-request-id": id };
    const fine = await call(url("/health"), { headers });
    const refused = await call<Problem>(url("/nowhere"), { headers });
    expect(fine.headers["x-request-id"]).toBe(id);
    expect([refused.headers["x-request-id"], refused.body.requestId]).toEqual([id, id]);
  },
);

test.each([
  "",
  "1234567",
  "x".repeat(129),
  "with blank",
  "<script>",
  'quo"te',
  "new/line",
  "ünicode",
])("a malformed request id is replaced: %j", async (id) => {
  const { headers } = await call(url("/health"), { headers: { "x-request-id": id } });
  expect(headers["x-request-id"]).toMatch(uuidv7);
});

const expected = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "cross-origin",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=15552000; includeSubDomains",
  "x-content-type-options": "nosniff",
  "x-frame-options": "SAMEORIGIN",
};

test("data and errors alike are kept by no cache, framed by no page and guessed at by no browser", async () => {
  const answers = await Promise.all([
    call(url("/health")),
    call(url("/ready")),
    call(url("/nowhere")),
    call(url(users)),
    call(url(users), { method: "PUT" }),
    acme.owner.call(users),
    acme.owner.call(users, { method: "POST", body: "{" }),
    acme.owner.call(`${users}/${acme.owner.userId}`, { method: "DELETE" }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 401, 405, 200, 400, 409]);
  for (const { headers, status } of answers) {
    expect(headers, `${status}`).toMatchObject(expected);
    expect(Object.keys(headers)).not.toContain("x-powered-by");
  }
});

function assertProblem({ status, headers, body }: Answer<unknown>, path: string): void {
  const problem = body as Problem;
  expect(headers["content-type"]).toBe("application/problem+json");
  expect(problem).toEqual({
    type: `https://tenantry.dev/problems/${problem.code.replaceAll("_", "-")}`,
    title: problem.title,
    status,
    detail: problem.detail,
    instance: path,
    code: problem.code,
    requestId: headers["x-request-id"],
    statusCode: status,
    message: problem.detail,
    error: problem.title,
    ...(problem.errors ? { errors: problem.errors } : {}),
  });
  expect(problem.title).toMatch(/^[A-Z].{5,}/);
}

test("every kind of failure has the one shape, envelope of statusCode, message and error included", async () => {
  const post = (body: unknown, headers = {}) =>
    acme.owner.call(users, { method: "POST", body, headers });
  const at = (id: string) => `${users}/${id}`;
  const nobody = at("usr_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d");
  const me = at(acme.owner.userId);
  const cases: [number, string, string, Promise<Answer<unknown>>][] = [
    [400, "invalid_request", users, post({ email: "x" })],
    [
      400,
      "tenant_required",
      users,
      acme.owner.call(users, { headers: { "x-tenant-id": undefined } }),
    ],
    [401, "unauthenticated", users, call(url(users))],
    [
      403,
      "tenant_forbidden",
      users,
      acme.owner.call(users, { headers: { "x-tenant-id": "nope" } }),
    ],
    [404, "not_found", nobody, acme.owner.call(nobody)],
    [404, "not_found", "/nowhere", call(url("/nowhere"))],
    [405, "method_not_allowed", "/health", call(url("/health"), { method: "DELETE" })],
    [409, "last_owner", me, acme.owner.call(me, { method: "DELETE" })],
    [
      412,
      "precondition_failed",
      me,
      acme.owner.call(me, { method: "DELETE", headers: { "if-match": '"x"' } }),
    ],
    [413, "payload_too_large", users, post("x".repeat(70_000))],
    [415, "unsupported_media_type", users, post("a=b", { "content-type": "text/plain" })],
  ];
  for (const [status, code, path, pending] of cases) {
    const answer = await pending;
    expect([answer.status, (answer.body as Problem).code]).toEqual([status, code]);
    assertProblem(answer, path);
  }
});

test.each([
  "/",
  "/nowhere",
  "/api/v1",
  "/api/v1/",
  "/api/v1/users/",
  "/api/v1//users",
  "/API/V1/users",
  "/health/",
  "/%2e%2e/%2e%2e/etc/passwd",
  "/api/v1/users/a%2Fb",
  "/%ff",
  "/api/v1/users/%E0%A4%A/x",
  "/favicon.ico",
  "/.dev.vars",
  "/docs-assets/nothing.js",
])("%s is nowhere: 404, as a problem", async (path) => {
  const answer = await acme.owner.call<Problem>(path, { headers: { "x-tenant-id": acme.slug } });
  expect([answer.status, answer.body.code]).toEqual(
    path.includes("a%2Fb") ? [400, "invalid_request"] : [404, "not_found"],
  );
});

/** A path with a parameter also takes what other paths spell out. */
const covers = (path: string, concrete: string) =>
  new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(concrete);

test("a method that a path does not know answers 405, and Allow says which it knows", async () => {
  const { operations } = await servedContract();
  const known = Map.groupBy(operations, ({ path }) => path);
  for (const [path, here] of known) {
    const methods = new Set(here.map(({ method }) => method));
    if (methods.has("GET")) methods.add("HEAD");
    const concrete = path.replaceAll(/\{\w+\}/g, "x");
    const elsewhere = operations.filter((one) => one.path !== path && covers(one.path, concrete));
    const unknown = ["GET", "DELETE"].filter(
      (one) => !methods.has(one) && !elsewhere.some(({ method }) => method === one),
    );
    for (const method of ["PUT", "PROPFIND", ...unknown]) {
      const { status, headers } = await call(url(concrete), { method });
      expect([status, headers["allow"]], `${method} ${path}`).toEqual([
        405,
        [...methods].sort().join(", "),
      ]);
    }
  }
});

test("HEAD answers like GET, without the body", async () => {
  const path = `${users}/${acme.owner.userId}`;
  const [get, head] = [
    await acme.owner.call(path),
    await acme.owner.call(path, { method: "HEAD" }),
  ];
  expect([head.status, head.body]).toEqual([200, ""]);
  expect(head.headers["etag"]).toBe(get.headers["etag"]);
  expect(head.headers["content-type"]).toBe(get.headers["content-type"]);
  const gone = await call(url("/nowhere"), { method: "HEAD" });
  expect([gone.status, gone.body]).toEqual([404, ""]);
  const refused = await call(url(path), { method: "HEAD" });
  expect([refused.status, refused.headers["www-authenticate"]]).toEqual([
    401,
    'Bearer realm="tenantry"',
  ]);
});
