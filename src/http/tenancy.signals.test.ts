import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { stack } from "../testing/harness.ts";
import {
  modes,
  type Named,
  outcome,
  type Resolvers,
  startResolvers,
} from "../testing/resolvers.ts";
import { startWorker } from "../testing/worker.ts";

let resolvers: Resolvers;
let ask: Resolvers["ask"];
let one: Named;
let two: Named;
beforeAll(async () => {
  resolvers = await startResolvers();
  ({ ask, one, two } = resolvers);
});
afterAll(() => resolvers.stop());

const tenantHosts = [".localhost", ".LocalHost", ".localhost.", ".localhost:8787"];
test.each(tenantHosts)("a tenant's own label before %s names it, in any case", async (end) => {
  for (const slug of [one.slug, one.slug.toUpperCase()]) {
    const answer = await ask("subdomain", {}, { headers: { host: `${slug}${end}` } });
    expect(outcome(answer)).toBe(`200 ${one.id}`);
  }
});

const otherHosts: Record<string, () => string> = {
  "somebody else's domain": () => `${one.slug}.localhost.evil.com`,
  "a domain as long as ours": () => `${one.slug}.evil1.com`,
  "a domain that ends alike": () => `${one.slug}.notlocalhost`,
  "a label below the tenant's": () => `a.${one.slug}.localhost`,
  "a label above the tenant's": () => `${one.slug}.a.localhost`,
  "an empty label": () => `${one.slug}..localhost`,
  "two dots behind": () => `${one.slug}.localhost..`,
  "a reserved name": () => "www.localhost",
  "the base domain": () => "localhost",
  "an id": () => `${one.id}.localhost`,
  punycode: () => "xn--bcher-kva.localhost",
  "an address": () => "127.0.0.1",
  "an IPv6 address": () => "[::1]",
};
test.each(Object.entries(otherHosts))("%s in the host names no tenant", async (_, host) => {
  const headers = { host: host() };
  expect(outcome(await ask("subdomain", {}, { headers }))).toBe("400 tenant_required");
  expect(outcome(await ask("composite", { header: two.slug }, { headers }))).toBe(`200 ${two.id}`);
});

test("hosts that only a proxy may claim are not listened to", async () => {
  const host = `${one.slug}.localhost`;
  const headers = {
    "x-forwarded-host": host,
    forwarded: `host=${host}`,
    "x-original-host": host,
    "x-host": host,
    "x-http-host-override": host,
  };
  expect(outcome(await ask("subdomain", {}, { headers }))).toBe("400 tenant_required");
  expect(outcome(await ask("subdomain", { host: two.slug }, { headers }))).toBe(`200 ${two.id}`);
});

test.each(modes)(
  "mode %s: a header that cannot be a tenant's name is never ignored",
  async (mode) => {
    const malformed = [
      "",
      "Acme",
      "a b",
      "-a",
      "a_b",
      "a".repeat(64),
      "tnt_1",
      `${one.id}0`,
      `${one.slug}, ${one.slug}`,
      "xn--a",
      "../acme",
    ];
    for (const header of malformed) {
      const answer = await ask(mode, { claim: one.id, host: one.slug, header });
      expect(`${header} ${outcome(answer)}`).toBe(`${header} 400 invalid_request`);
      expect(answer.body["errors"]).toEqual([
        { in: "header", path: "x-tenant-id", message: "must be the id or slug of a tenant" },
      ]);
    }
  },
);

const oddClaims = [7, 0, true, false, {}, [], "", " ", "Acme", "a".repeat(101), "\u0000"];
test.each(oddClaims)("the claim %j names no tenant, and is never ignored", async (claim) => {
  for (const mode of modes)
    expect(outcome(await ask(mode, { claim, host: one.slug, header: one.id }))).toBe(
      "403 tenant_mismatch",
    );
  for (const mode of ["jwt", "composite"] as const)
    expect(outcome(await ask(mode, { claim }))).toBe("403 tenant_forbidden");
});

test("a list with the right tenant in it is no claim of that tenant", async () => {
  expect(outcome(await ask("jwt", { claim: [one.id] }))).toBe("403 tenant_forbidden");
  expect(outcome(await ask("header", { claim: [one.id], header: one.id }))).toBe(
    "403 tenant_mismatch",
  );
});

test("null claims nothing, and neither do claims outside our namespace", async () => {
  expect(outcome(await ask("jwt", { claim: null }))).toBe("400 tenant_required");
  expect(outcome(await ask("composite", { claim: null, header: one.slug }))).toBe(`200 ${one.id}`);
  const claims = { tenant_id: two.id, "https://evil.test/tenant_id": two.id };
  const headers = { authorization: `Bearer ${await resolvers.dual.token(claims)}` };
  expect(outcome(await ask("jwt", {}, { headers }))).toBe("400 tenant_required");
  expect(outcome(await ask("composite", { header: one.id }, { headers }))).toBe(`200 ${one.id}`);
});

test("header name and base domain are what the settings say", async () => {
  const { BASE_DOMAIN: _, ...rest } = stack.settings;
  const settings = { ...rest, TENANT_HEADER_NAME: "X-Org" };
  const worker = await startWorker({ bundle: stack.bundle, settings });
  onTestFinished(worker.stop);
  const askOrg = (headers: Record<string, string>) =>
    resolvers.dual.call(`${worker.url}/api/v1/tenant`, { headers });

  expect(outcome(await askOrg({ "x-org": one.slug }))).toBe(`200 ${one.id}`);
  const ignored = { "x-tenant-id": two.slug, host: `${two.slug}.localhost` };
  expect(outcome(await askOrg({ "x-org": one.slug, ...ignored }))).toBe(`200 ${one.id}`);
  const unnamed = await askOrg(ignored);
  expect(outcome(unnamed)).toBe("400 tenant_required");
  expect(unnamed.body["detail"]).toContain("send X-Org");
  const malformed = await askOrg({ "x-org": "No Name" });
  expect(malformed.body["errors"]).toMatchObject([{ in: "header", path: "x-org" }]);
});
