import { expect, test } from "vitest";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import { faultyFetch } from "../../testing/faulty-fetch.ts";
import { type Founder, newFounder, type Traces, tracesOf } from "../../testing/founder.ts";
import { registry } from "../../testing/harness.ts";
import { rowsOf } from "../../testing/raw-sql.ts";

/** Some eighty sign-ups, each done twice: the slowest machine takes its time. */
const timeout = 120_000;
const stepNames = [
  "create_database",
  "mint_token",
  "probe",
  "migrate",
  "stamp",
  "seed",
  "activate",
];

/** What a log says happened, without when; a mere touch of `updated_at` is left out. */
const eventsOf = (log: Record<string, unknown>[]) =>
  log
    .map(({ action, entity, changes }) => {
      const columns = Object.keys(JSON.parse(String(changes)) as object);
      return {
        what: `${action} ${entity}`,
        columns: columns.filter((name) => name !== "updated_at"),
      };
    })
    .filter(({ columns }) => columns.length > 0)
    .map(({ what, columns }) => (what.startsWith("UPDATE") ? `${what} ${columns.sort()}` : what));

/** Fails unless the sign-up left exactly what one undisturbed run leaves. */
function expectOneTenant({ caller, slug }: Founder, { id, central, own }: Traces) {
  expect(central.tenants).toHaveLength(1);
  expect(central.tenants[0]).toMatchObject({
    slug,
    status: "active",
    schema_version: tenantMigrations.length,
    database_name: databaseNameOf(String(id)),
  });
  expect(central.memberships).toEqual([
    {
      issuer: caller.issuer,
      subject: caller.subject,
      tenant_id: id,
      role: "owner",
      account_role: null,
      status: "active",
      created_at: expect.any(Number),
    },
  ]);
  expect(central.operations).toHaveLength(1);
  expect(central.operations[0]).toMatchObject({ status: "succeeded", error: null, lease_until: 0 });
  expect(central.steps.map(({ name, status, error }) => `${name} ${status} ${error}`)).toEqual(
    stepNames.map((name) => `${name} succeeded null`),
  );
  expect(eventsOf(central.log)).toEqual([
    "INSERT tenants",
    "INSERT tenant_users",
    "UPDATE tenants sealed_token,sealed_with,token_expires_at",
    "UPDATE tenants schema_version",
    "UPDATE tenants status",
  ]);

  const [stamp] = own?.stamp ?? [];
  const [user] = own?.users ?? [];
  expect(stamp).toMatchObject({ tenant_id: id, slug, status: "active", version: 1 });
  expect(own?.users).toHaveLength(1);
  expect(user).toMatchObject({ email: caller.email, tenant_role: "owner", status: "active" });
  expect(own?.identities).toMatchObject([{ subject: caller.subject, user_id: user?.["id"] }]);
  expect(own?.accounts).toMatchObject([{ id: stamp?.["default_account_id"] }]);
  expect(own?.members).toMatchObject([
    { account_id: stamp?.["default_account_id"], user_id: user?.["id"], role: "ADMIN" },
  ]);
  expect(own?.settings).toHaveLength(1);
  expect(own?.context).toEqual([]);
  expect(eventsOf(own?.log ?? [])).toEqual([
    "INSERT tenant_identity",
    "INSERT accounts",
    "INSERT settings",
    "INSERT users",
    "INSERT user_identities",
    "INSERT account_members",
  ]);
}

/** The databases the platform was asked for. */
const namespacesIn = (...runs: { calls: readonly string[] }[]) =>
  new Set(
    runs.flatMap(({ calls }) =>
      calls.flatMap((call) => /\/v1\/namespaces\/([^/]+)\/create$/.exec(call)?.[1] ?? []),
    ),
  );

/** Runs `work` for 1, 2, 3 … as long as it answers that there may be more, a few at a time. */
async function forEveryCall(work: (at: number) => Promise<boolean>): Promise<number> {
  let next = 1;
  let last = Number.POSITIVE_INFINITY;
  const lane = async () => {
    while (next <= last) {
      const at = next++;
      if (!(await work(at))) last = Math.min(last, at);
    }
  };
  await Promise.all(Array.from({ length: 5 }, lane));
  return last - 1;
}

const isReady = async ({ slug }: Founder) => {
  const [row] = await rowsOf(registry, `select status from tenants where slug = '${slug}'`);
  return row?.["status"] === "active";
};
/** How the sign-up answers once it has worked, and while something it needs is down. */
const taken = { code: "slug_taken", message: expect.stringContaining("You registered") };
const down = { code: "dependency_unavailable", headers: { "retry-after": expect.any(String) } };
const outcomeOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error) => error);

for (const fault of ["dies before", "dies after", "loses the answer"] as const)
  test(`a sign-up that ${fault} any of its calls is finished by the same request, once`, {
    timeout,
  }, async () => {
    const calls = await forEveryCall(async (at) => {
      const founder = newFounder();
      const broken = faultyFetch(at, fault);
      const first = await outcomeOf(founder.signUp(broken.fetch));
      if (broken.calls.length < at) {
        expectOneTenant(founder, await tracesOf(founder));
        return false;
      }
      const ready = await isReady(founder);
      const done = { slug: founder.slug, status: "active" };
      // Whoever lives on and can still ask learns that it worked after all.
      const learned = ready && fault === "loses the answer" && broken.calls.length > at;
      expect(first, `${at}`).toMatchObject(first instanceof Error && !learned ? down : done);

      const healthy = faultyFetch();
      const second = await outcomeOf(founder.signUp(healthy.fetch));
      expect(second, `${at}`).toMatchObject(ready ? taken : done);
      const traces = await tracesOf(founder);
      expectOneTenant(founder, traces);
      expect(namespacesIn(broken, healthy)).toEqual(new Set([databaseNameOf(String(traces.id))]));
      return true;
    });
    expect(calls).toBeGreaterThan(12);
  });

for (const fault of ["stalls before", "stalls after"] as const)
  test(`a driver that ${fault} any of its calls, and is overtaken, changes nothing when it wakes`, {
    timeout,
  }, async () => {
    const calls = await forEveryCall(async (at) => {
      const founder = newFounder();
      const slow = faultyFetch(at, fault);
      const first = outcomeOf(founder.signUp(slow.fetch));
      await Promise.race([slow.struck, first]);
      if (slow.calls.length < at) return false;
      const ready = await isReady(founder);
      const second = await outcomeOf(founder.signUp(fetch));
      const before = await tracesOf(founder);
      expectOneTenant(founder, before);

      slow.resume();
      const done = { id: before.id, slug: founder.slug, status: "active" };
      expect(second, `${at}`).toMatchObject(ready ? taken : done);
      expect(await first, `${at}`).toMatchObject(
        at === 1 && fault === "stalls before" ? taken : done,
      );
      expect(await tracesOf(founder)).toEqual(before);
      return true;
    });
    expect(calls).toBeGreaterThan(12);
  });
