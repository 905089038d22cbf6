import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../testing/client.ts";
import { newPerson, stack } from "../testing/harness.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";

let worker: RunningWorker;
beforeAll(async () => {
  const settings = {
    ...stack.settings,
    CORS_ALLOW_ORIGINS: "https://app.acme.test https://*.base.test,http://localhost:5173",
    TENANT_HEADER_NAME: "X-Customer",
  };
  worker = await startWorker({ bundle: stack.bundle, settings });
});
afterAll(() => worker.stop());

const preflight = (path: string, origin: string | undefined, method = "PATCH") =>
  call(`${worker.url}${path}`, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": method,
      "access-control-request-headers": "authorization,if-match,x-customer",
    },
  });
const wordsOf = (value = "") => value.split(",").map((word) => word.trim());
const allowed = "access-control-allow-origin";

test.each([
  "https://app.acme.test",
  "https://acme.base.test",
  "https://a.b.base.test",
  "http://localhost:5173",
])(
  "a browser on the listed origin %s may send what the API understands, before any token is asked for",
  async (origin) => {
    for (const path of ["/api/v1/users/usr_1", "/api/v1/tenants/register", "/nowhere"]) {
      const { status, headers, body } = await preflight(path, origin);
      expect([status, body]).toEqual([204, ""]);
      expect(headers[allowed]).toBe(origin);
      expect(wordsOf(headers["access-control-allow-methods"]).sort()).toEqual([
        "DELETE",
        "GET",
        "PATCH",
        "POST",
      ]);
      expect(wordsOf(headers["access-control-allow-headers"]).sort()).toEqual([
        "account-id",
        "authorization",
        "content-type",
        "idempotency-key",
        "if-match",
        "x-customer",
        "x-request-id",
      ]);
      expect(headers["access-control-max-age"]).toBe("600");
      expect(headers["access-control-allow-credentials"]).toBeUndefined();
      expect(wordsOf(headers["vary"])).toContain("Origin");
    }
  },
);

const strange = [
  "https://base.test",
  "https://evilbase.test",
  "https://a.base.test.evil.com",
  "https://app.acme.test.evil.com",
  "https://app.acme.test:8443",
  "http://app.acme.test",
  "http://a.base.test",
  "https://APP.acme.test",
  "http://localhost:51730",
  "null",
  "*",
  "",
  undefined,
];

test.each(strange)(
  "a page on %j gets no leave, neither before nor with the answer",
  async (origin) => {
    const asked = await preflight("/api/v1/users", origin);
    expect(asked.status).toBe(204);
    const answered = await call(`${worker.url}/health`, { headers: { origin } });
    expect(answered.status).toBe(200);
    for (const { headers } of [asked, answered]) {
      expect(headers[allowed]).toBeUndefined();
      expect(wordsOf(headers["vary"])).toContain("Origin");
    }
  },
);

test("answers and errors of every kind can be read by a listed page, down to the request id", async () => {
  const origin = "https://acme.base.test";
  const person = newPerson(worker.url);
  const large = "x".repeat(70_000);
  const answers = await Promise.all([
    call(`${worker.url}/health`, { headers: { origin } }),
    person.call("/api/v1/tenants", { headers: { origin } }),
    person.call("/api/v1/users", { headers: { origin } }),
    call(`${worker.url}/api/v1/users`, { headers: { origin } }),
    person.call("/api/v1/users", { headers: { origin, "x-customer": "nope" } }),
    call(`${worker.url}/nowhere`, { headers: { origin } }),
    call(`${worker.url}/health`, { method: "POST", headers: { origin } }),
    call(`${worker.url}/health`, { method: "POST", headers: { origin }, body: large }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 401, 403, 404, 405, 413]);
  for (const { status, headers } of answers) {
    expect(headers[allowed], `${status}`).toBe(origin);
    expect(wordsOf(headers["vary"])).toContain("Origin");
    expect(wordsOf(headers["access-control-expose-headers"]).sort()).toEqual([
      "content-disposition",
      "etag",
      "idempotency-replayed",
      "location",
      "retry-after",
      "www-authenticate",
      "x-request-id",
    ]);
  }
});

test("with credentials allowed the listed origin is named, never *, and no other is", async () => {
  const settings = {
    ...stack.settings,
    CORS_ALLOW_ORIGINS: "https://app.acme.test",
    CORS_ALLOW_CREDENTIALS: "true",
  };
  const open = await startWorker({ bundle: stack.bundle, settings });
  try {
    const ask = (origin: string) => call(`${open.url}/health`, { headers: { origin } });
    const [listed, other] = await Promise.all([
      ask("https://app.acme.test"),
      ask("https://evil.test"),
    ]);
    expect(listed.headers["access-control-allow-credentials"]).toBe("true");
    expect(listed.headers[allowed]).toBe("https://app.acme.test");
    expect(other.headers[allowed]).toBeUndefined();
  } finally {
    await open.stop();
  }
});
