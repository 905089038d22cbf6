import { createConfig, lintFromString } from "@redocly/openapi-core";
import { describe, expect, test } from "vitest";
import { createApp } from "./app.ts";
import { describeAccess, isOpenTo } from "./core/access.ts";
import type { Ports } from "./http/context.ts";
import { call } from "./testing/client.ts";
import { type Operation, servedContract } from "./testing/contract.ts";
import { newPerson, newTenant, stack } from "./testing/harness.ts";
import { furnish, newPlatformAdmin } from "./testing/operators.ts";
import { knownOf, prepare, randomPath, realBody, realPath, unmet } from "./testing/paths.ts";
import { headersOf, sample } from "./testing/sample.ts";

const { document, operations } = await servedContract();
const publicOperations = ["getHealth", "getReadiness", "getLoginConfig", "startLogin"];
const nameOf = ({ method, path }: Operation) => `${method} ${path}`;
const each = operations.map((operation) => [nameOf(operation), operation] as const);
const closed = each.filter(([, { operationId }]) => !publicOperations.includes(operationId));

const bodyOf = ({ requestBody }: Operation) => {
  const schema = requestBody?.content["application/json"]?.schema;
  return schema && sample(document.components.schemas, schema);
};

/** Somebody the operation is for, and where it finds things of theirs. */
async function ownerOf(operation: Operation) {
  const plane = operation["x-plane"];
  if (plane === "identity")
    return { caller: newPerson(), path: await randomPath(operation), inTenant: false };
  const tenant = await newTenant();
  // The owner may go: another one stays.
  await tenant.member({ tenantRole: "owner" });
  await furnish(tenant);
  const caller = plane === "operator" ? await newPlatformAdmin() : tenant.owner;
  const path = await realPath(operation, caller, await knownOf(tenant));
  return { caller, path, inTenant: true };
}

test("the document is valid OpenAPI 3.1, and good enough for a client generator", async () => {
  const rules = { "info-license": "off", "operation-2xx-response": "off" } as const;
  const config = await createConfig({ extends: ["recommended"], rules });
  const source = JSON.stringify(document);
  const problems = await lintFromString({ source, absoluteRef: "openapi.json", config });
  expect(problems.map(({ message, location }) => [location[0]?.pointer, message])).toEqual([]);
  expect(document.openapi).toBe("3.1.0");
});

/** The app without anything behind it: enough to look at its routes. */
const newApp = (headerName = "X-Tenant-ID") =>
  createApp({
    ports: { tenancy: { headerName } } as Ports,
    limits: { timeoutMs: 0, writers: 0, fetch },
    cors: { origins: [], credentials: false },
    docs: { title: "", openapi: "/openapi.json", docs: "/docs", redoc: "/redoc" },
  });

test("no route escapes the document", () => {
  const ofDocs = /^(\/api)?\/(openapi.json|docs|redoc)$/;
  const served = newApp()
    .routes.filter(({ method, path }) => method !== "ALL" && !ofDocs.test(path))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  expect([...new Set(served)].sort()).toEqual(operations.map(nameOf).sort());
});

test("the document names the tenant header that the deployment is set to", async () => {
  const answer = await newApp("X-Customer").request("/openapi.json");
  const { components } = (await answer.json()) as typeof document;
  expect(components.parameters["Tenant"]?.name).toBe("X-Customer");
});

describe.each(each)("%s", (_, operation) => {
  const { "x-plane": plane, "x-access": access, responses, security } = operation;

  test("is named, summarised, grouped, and says who may call it", () => {
    const { operationId, summary, tags, description } = operation;
    expect(operationId).toMatch(/^[a-z][A-Za-z]+$/);
    expect(summary).toMatch(/^[A-Z].{5,100}[^.]$/);
    expect(tags).toHaveLength(1);
    const isPublic = publicOperations.includes(operationId);
    expect(plane === "tenant", plane).toBe(access !== undefined);
    expect(plane === "public", plane).toBe(isPublic);
    const keys = access && isOpenTo(access, "key") ? [{ apiKey: [] }] : [];
    expect(security).toEqual(isPublic ? [] : [{ bearer: [] }, ...keys]);
    expect(description).toContain(
      access
        ? `Open to ${describeAccess(access)}.`
        : plane === "operator"
          ? "Open to platform admins."
          : "Open to everyone",
    );
  });

  test("documents the headers it reads and the refusals it can give", () => {
    const names = operation.parameters.map(({ name }) => name);
    const known = ["401", "500"];
    const refusals = {
      public: ["500"],
      identity: [...known, "400"],
      operator: [...known, "400", "403"],
      tenant: [...known, "400", "403"],
    }[plane];
    const statuses = Object.keys(responses);
    expect(statuses).toEqual(expect.arrayContaining(refusals ?? expect.unreachable(plane)));
    expect(statuses.join(" "), "what it does when all is well").toMatch(/\b[23]\d\d\b/);
    if (plane === "tenant")
      expect(names).toEqual(expect.arrayContaining(["X-Tenant-ID", "account-id"]));
  });
});

describe.each(closed)("%s", (_, operation) => {
  const { method } = operation;

  test("answers a stranger with a challenge, and a bad token with what is wrong", async () => {
    const url = `${stack.apiUrl}${await randomPath(operation)}`;
    const body = bodyOf(operation);
    const tokens = ["Bearer", "Bearer x", "Bearer a.b.c", `Bearer ${"x".repeat(9000)}`];
    const bare = await call(url, { method, body });
    expect(bare).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    expect(bare.headers["www-authenticate"]).toBe('Bearer realm="tenantry"');
    for (const authorization of [...tokens, "Basic YTpi"]) {
      const answer = await call(url, { method, body, headers: { authorization } });
      expect(answer).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
      expect(answer.headers["www-authenticate"]).toMatch(/^Bearer realm="tenantry"/);
    }
    const odd = await call(url, { method, body: method === "GET" ? undefined : "{" });
    expect(odd.status).toBe(401);
  });

  test("accepts from its owner what the document says it accepts", async () => {
    const { caller, path, inTenant } = await ownerOf(operation);
    await prepare(path, caller);
    const body = await (inTenant ? realBody(operation, caller) : bodyOf(operation));
    const call = { method, headers: headersOf(operation), body };
    const { status, body: answer } = await caller.call(path, call);
    const code = answer?.["code"];
    expect(code === undefined ? "done" : `${status} ${code}`).toBe(
      unmet[operation.operationId] ?? "done",
    );
    if (code === undefined) expect(status).toBeLessThan(300);
  });
});
