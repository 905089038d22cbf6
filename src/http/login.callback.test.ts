import { afterAll, beforeAll, expect, test } from "vitest";
import { stack } from "../testing/harness.ts";
import { login } from "../testing/login.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";
import type { Problem } from "./problem.ts";

let listing: RunningWorker;
beforeAll(async () => {
  const settings = {
    ...stack.settings,
    FRONTEND_URL: "https://www.acme.test/app",
    CORS_ALLOW_ORIGINS:
      "*,https://app.acme.test,https://*.base.test,http://localhost:5173,http://plain.test,null",
  };
  listing = await startWorker({ bundle: stack.bundle, settings });
});
afterAll(() => listing.stop());

test.each([
  "https://www.acme.test",
  "https://www.acme.test/",
  "https://app.acme.test/callback?from=a%20b&x=https://evil.test",
  "https://app.acme.test?code=1",
  "https://a.b.base.test/callback",
  "http://localhost:5173/callback",
])("a login may lead back to a listed origin: %s", async (uri) => {
  const { status, headers } = await login({ redirect_uri: uri }, listing.url);
  expect(status).toBe(302);
  expect(new URL(headers["location"] ?? "").searchParams.get("redirect_uri")).toBe(uri);
});

test.each([
  "https://evil.test/callback",
  "https://acme.test/",
  "https://app.acme.test.evil.test/",
  "https://evilapp.acme.test/",
  "https://base.test/",
  "https://evilbase.test/",
  "https://a.base.test.evil.test/",
  "https://app.acme.test@evil.test/",
  "https://user@app.acme.test/",
  "https://user:password@app.acme.test/",
  "https://@app.acme.test/",
  "https://app.acme.test/#fragment",
  "https://app.acme.test/#",
  "javascript:alert(1)",
  "javascript://app.acme.test/%0aalert(1)",
  "data:text/html,<script>alert(1)</script>",
  "null",
  "//evil.test/",
  "//app.acme.test/",
  "/callback",
  "///app.acme.test/",
  "\\\\app.acme.test",
  "https:app.acme.test",
  "https:/app.acme.test/",
  "https:///app.acme.test/",
  "https:\\\\app.acme.test\\",
  "https://evil.test\\@app.acme.test/",
  "https://app.acme.test\\.evil.test/",
  "http://app.acme.test/",
  "http://plain.test/",
  "http://localhost/",
  "http://localhost:3000/callback",
  "http://127.0.0.1:5173/",
  "http://localhost.evil.test:5173/",
  "https://app.acme.test./",
  "https://app.acme.test:8443/",
  "https://app.acme.test:443/",
  "https://app.acme.test:/",
  "HTTPS://app.acme.test/",
  "https://APP.acme.test/",
  "https://app%2eacme.test/",
  "https%3A%2F%2Fapp.acme.test%2F",
  "https://app.acme.test%2f@evil.test/",
  "https://app.acme.test%00.evil.test/",
  "https://app。acme.test/",
  "https://ａpp.acme.test/",
  " https://app.acme.test/",
  "https://app.acme.test/\n",
  "https://app.acme.test/\u0000",
  "https://app.acme.test/a b",
  "ftp://app.acme.test/",
  "com.acme.app://callback",
  "blob:https://app.acme.test/1",
  "*",
])("a login never leads back to what is not a page of a listed origin: %j", async (uri) => {
  const { status, headers, body } = await login<Problem>({ redirect_uri: uri }, listing.url);
  expect([status, body.code]).toEqual([400, "invalid_request"]);
  expect(body.detail).toContain("redirect_uri");
  expect(body.errors).toMatchObject([{ in: "query", path: "redirect_uri" }]);
  expect(headers).not.toHaveProperty("location");
  if (uri.length > 10) expect(JSON.stringify([headers, body])).not.toContain(uri);
});
