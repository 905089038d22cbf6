import { expect, test } from "vitest";
import { assets } from "../../scripts/assets.ts";
import { call } from "../testing/client.ts";
import { stack } from "../testing/harness.ts";
import { startWorker } from "../testing/worker.ts";

const get = (path: string, base = stack.apiUrl) => call<string>(`${base}${path}`);

const directives = (headers: Record<string, string>) =>
  new Map(
    (headers["content-security-policy"] ?? "").split(";").map((directive) => {
      const [name = "", ...sources] = directive.trim().split(" ");
      return [name, sources.join(" ")] as const;
    }),
  );

test("the document is served as JSON, and says which version of OpenAPI it speaks", async () => {
  const { status, headers, body } = await call(`${stack.apiUrl}/openapi.json`);
  expect([status, headers["content-type"]]).toEqual([200, "application/json"]);
  expect(body).toMatchObject({ openapi: "3.1.0", info: { title: "Tenantry" } });
});

test.each(["/docs", "/redoc"])(
  "%s is a page that shows the document, with nothing from elsewhere",
  async (path) => {
    const { status, headers, body } = await get(path);
    expect(status).toBe(200);
    expect(headers["content-type"]).toMatch(/^text\/html; charset=utf-8$/i);
    expect(body).toMatch(/(data-document|spec-url)="\/openapi\.json"/);
    const policy = directives(headers);
    expect(policy.get("default-src")).toBe("'none'");
    expect(policy.get("script-src")).toBe("'self'");
    expect(policy.get("connect-src")).toBe("'self'");
    expect(policy.get("frame-ancestors")).toBe("'none'");
    expect(policy.get("base-uri")).toBe("'none'");
    expect(headers["content-security-policy"]).not.toMatch(/https?:|\*|unsafe-eval/);
    expect(body).not.toMatch(/<script(?![^>]*\ssrc=)|\son\w+=|https?:\/\//);
  },
);

test.each(["/docs", "/redoc"])(
  "every file that %s loads is one that npm run assets puts there",
  async (path) => {
    const { body } = await get(path);
    const loaded = [...body.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, file]) => file);
    expect(loaded.length).toBeGreaterThan(0);
    for (const file of loaded)
      expect(Object.keys(assets).map((name) => `/docs-assets/${name}`)).toContain(file);
  },
);

test.each([
  ["/api/openapi.json", "/openapi.json"],
  ["/api/docs", "/docs"],
  ["/api/redoc", "/redoc"],
])("%s leads to %s", async (from, to) => {
  const { status, headers } = await get(from);
  expect([status, headers["location"]]).toEqual([302, to]);
});

test("each path is a setting; a page that is off is nowhere, and the API is none the worse", async () => {
  const settings = {
    ...stack.settings,
    PROJECT_NAME: 'A"<b>',
    DOCS_URL: "",
    REDOC_URL: "/internal/docs",
  };
  const worker = await startWorker({ bundle: stack.bundle, settings });
  try {
    for (const path of ["/docs", "/api/docs", "/redoc"]) {
      const { status } = await get(path, worker.url);
      expect(status, path).toBe(404);
    }
    const moved = await get("/internal/docs", worker.url);
    expect(moved.status).toBe(200);
    expect(moved.body).toContain("<title>A&quot;&lt;b&gt;</title>");
    expect((await get("/api/redoc", worker.url)).headers["location"]).toBe("/internal/docs");
    expect((await get("/openapi.json", worker.url)).status).toBe(200);
    expect((await get("/health", worker.url)).status).toBe(200);
    expect((await get("/api/v1/users", worker.url)).status).toBe(401);
  } finally {
    await worker.stop();
  }
});

test("without the document there is nothing for the pages to show, so they are off too", async () => {
  const settings = { ...stack.settings, OPENAPI_URL: "" };
  const worker = await startWorker({ bundle: stack.bundle, settings });
  try {
    const paths = ["/openapi.json", "/docs", "/redoc"].flatMap((path) => [path, `/api${path}`]);
    for (const path of paths) expect((await get(path, worker.url)).status, path).toBe(404);
    expect((await get("/api/v1/users", worker.url)).status).toBe(401);
  } finally {
    await worker.stop();
  }
});
