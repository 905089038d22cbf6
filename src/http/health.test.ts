import { expect, test } from "vitest";
import { freePort } from "../../scripts/stack/process.ts";
import { call } from "../testing/client.ts";
import { stack } from "../testing/harness.ts";
import { startWorker } from "../testing/worker.ts";

type Readiness = { status: string; components: Record<string, string> };

test("a service whose parts all answer is ready, and names them", async () => {
  const { status, body } = await call<Readiness>(`${stack.apiUrl}/ready`);
  expect(status).toBe(200);
  expect(body).toEqual({
    status: "ready",
    components: { registry: "up", identityProvider: "up" },
  });
});

test.each([
  ["the registry", "registry", "GLOBAL_DATABASE_URL", ""],
  ["the identity provider", "identityProvider", "JWKS_URI", "/jwks"],
])(
  "without %s it is alive and not ready, and says which part is down, not where it is",
  async (_, part, setting, path) => {
    const port = await freePort();
    const dead = `http://127.0.0.1:${port}${path}`;
    const worker = await startWorker({
      bundle: stack.bundle,
      settings: { ...stack.settings, [setting]: dead },
    });
    try {
      const began = Date.now();
      const { status, headers, body } = await call<Readiness>(`${worker.url}/ready`);
      expect(Date.now() - began).toBeLessThan(5000);
      expect(status).toBe(503);
      expect(Number(headers["retry-after"])).toBeGreaterThan(0);
      expect(body).toEqual({
        status: "not_ready",
        components: { registry: "up", identityProvider: "up", [part]: "down" },
      });
      expect(JSON.stringify([headers, body])).not.toContain(`${port}`);
      const health = await call(`${worker.url}/health`);
      expect([health.status, health.body]).toEqual([200, { status: "ok" }]);
    } finally {
      await worker.stop();
    }
  },
);
