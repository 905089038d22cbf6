import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../scripts/stack/process.ts";
import { newId } from "../core/id.ts";
import { newTenant, registry, stack, type TestTenant } from "../testing/harness.ts";
import { hintsOf, login } from "../testing/login.ts";
import { startProxy } from "../testing/proxy.ts";
import { execute } from "../testing/raw-sql.ts";
import { startWorker } from "../testing/worker.ts";

async function workerWith(changed: Record<string, string>) {
  const variables = { ...stack.settings, ...changed };
  const worker = await startWorker({ bundle: stack.bundle, settings: variables });
  onTestFinished(worker.stop);
  return worker;
}

let plain: TestTenant;
let organised: TestTenant;
const organization = `org_${randomUUID()}`;
beforeAll(async () => {
  [plain, organised] = await Promise.all([newTenant(), newTenant()]);
  await execute(
    registry,
    sql`update tenants set organization_id = ${organization} where id = ${organised.id}`,
  );
});

const at = (label: string) => ({ headers: { host: `${label}.localhost` } });

test("a tenant of an organisation is logged in to there, however it is named", async () => {
  // A Worker of its own: the shared one may remember the tenant from before it had one.
  const { url } = await workerWith({});
  const { id, slug } = organised;
  for (const name of [id, slug])
    expect(hintsOf(await login({ tenant: name }, url))).toEqual({
      organization,
      "ext-tenant": name,
    });
  const hints = { organization, "ext-tenant": slug };
  expect(hintsOf(await login({}, url, at(slug)))).toEqual(hints);
  expect(hintsOf(await login({ tenant: slug }, url, at(plain.slug)))).toEqual(hints);
  expect(hintsOf(await login({ tenant: plain.slug }, url, at(slug)))).toEqual({
    "ext-tenant": plain.slug,
  });
});

test("nobody can tell a tenant that does not exist from one without an organisation", async () => {
  const strangers = [`t-${randomUUID().slice(0, 13)}`, newId("tenant")];
  for (const [known, unknown] of [
    [plain.slug, strangers[0]],
    [plain.id, strangers[1]],
  ] as [string, string][])
    for (const ask of [
      (name: string) => login({ tenant: name }),
      (name: string) => login({}, stack.apiUrl, name.startsWith("t-") ? at(name) : {}),
    ]) {
      const seen = async (name: string) => {
        const { status, headers, body } = await ask(name);
        const { date: _, "x-request-id": __, ...rest } = headers;
        return JSON.stringify({ status, rest, body }).replaceAll(name, "NAME");
      };
      expect(await seen(unknown)).toBe(await seen(known));
    }
});

test.each(["", "ACME", "a b", "-a", "org:org_1", "xn--a", "a".repeat(64), "usr_1"])(
  "what can be no tenant is passed on to nobody: %j",
  async (tenant) => {
    expect(hintsOf(await login({ tenant }))).toEqual({});
  },
);

test("a registry that is down keeps nobody from logging in, and the log says what was left out", async () => {
  const dead = `http://127.0.0.1:${await freePort()}`;
  const { url, lines } = await workerWith({ GLOBAL_DATABASE_URL: dead });
  const hints = { "ext-tenant": organised.slug };
  expect(hintsOf(await login({ tenant: organised.slug }, url))).toEqual(hints);
  expect(hintsOf(await login({}, url))).toEqual({});
  const events = () => lines.map((line) => line["event"]);
  await expect.poll(() => events().filter((name) => name === "request")).toHaveLength(2);
  expect(events()).toContain("login_without_organization");
});

test("a registry that hangs holds a login for two seconds", async () => {
  const proxy = await startProxy(stack.settings);
  onTestFinished(proxy.stop);
  const { url } = await workerWith(proxy.settings);
  const outage = proxy.disturb({ at: "request", by: "hold" });
  onTestFinished(outage.lift);
  const began = Date.now();
  const answer = await login({ tenant: organised.slug }, url);
  expect(Date.now() - began).toBeLessThan(3000);
  expect(hintsOf(answer)).toEqual({ "ext-tenant": organised.slug });
});
