import { expect, onTestFinished, test } from "vitest";
import { type Answer, call } from "../testing/client.ts";
import { newPerson, stack } from "../testing/harness.ts";
import { startWorker } from "../testing/worker.ts";

test("a Worker without its settings is alive, and tells every caller which ones, never a value", async () => {
  const { GLOBAL_AUTH_TOKEN: _, ...rest } = stack.settings;
  const settings = { ...rest, ENCRYPTION_KEY: "change-me", JWKS_URI: "p4ssw0rd" };
  const { url, lines, stop } = await startWorker({ bundle: stack.bundle, settings });
  onTestFinished(stop);
  const detail =
    "GLOBAL_AUTH_TOKEN is missing; ENCRYPTION_KEY is still the placeholder of the example; JWKS_URI Invalid URL";

  const health = await call(`${url}/health`);
  expect(health.status).toBe(200);
  expect(health.body).toEqual({ status: "ok" });
  expect(health.headers["x-request-id"]).toBeDefined();

  const answers: Answer[] = [];
  for (const path of [
    "/",
    "/ready",
    "/openapi.json",
    "/api/v1/auth/me",
    "/api/v1/users",
    "/nowhere",
  ]) {
    const answer = await newPerson(url).call(path);
    const requestId = answer.headers["x-request-id"];
    expect(answer.body).toEqual({
      type: "https://tenantry.dev/problems/config-invalid",
      title: "The service is not configured",
      status: 503,
      detail,
      instance: path,
      code: "config_invalid",
      requestId,
      statusCode: 503,
      message: detail,
      error: "The service is not configured",
    });
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    answers.push(answer);
  }
  const posted = await call(`${url}/api/v1/tenants/register`, { method: "POST", body: {} });
  expect(posted.status).toBe(503);

  await expect
    .poll(() => lines)
    .toContainEqual(expect.objectContaining({ level: "error", event: "config_invalid", detail }));
  const requests = () => lines.filter((line) => line["event"] === "request");
  await expect.poll(() => requests().length).toBe(answers.length + 2);
  const { GLOBAL_DATABASE_URL = "", SQLD_ADMIN_KEY = "" } = stack.settings;
  for (const value of ["change-me", "p4ssw0rd", GLOBAL_DATABASE_URL, SQLD_ADMIN_KEY])
    expect(JSON.stringify([answers, lines])).not.toContain(value);
});
