import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { permissionsOf } from "../src/core/permissions.ts";
import { parseSettings } from "../src/env.ts";
import { call } from "../src/testing/client.ts";
import { openRegistry, openTenant } from "../src/testing/databases.ts";
import { dump } from "../src/testing/dump.ts";
import { settings as shared, stack } from "../src/testing/harness.ts";
import { newDatabase, rowsOf } from "../src/testing/raw-sql.ts";
import { type RunningWorker, startWorker } from "../src/testing/worker.ts";
import { type SeededTenant, seed } from "./seed.ts";
import { people, subjectOf } from "./stack/people.ts";
import { requestToken } from "./stack/request-token.ts";

let variables: Record<string, string>;
let tenants: SeededTenant[];
let worker: RunningWorker;

/** A registry of its own, empty at first: the slugs of the demo tenants are free in it. */
beforeAll(async () => {
  const { name, token } = await newDatabase(shared);
  variables = {
    ...stack.settings,
    GLOBAL_DATABASE_NAMESPACE: name,
    GLOBAL_AUTH_TOKEN: token.reveal(),
  };
  tenants = (await seed(variables, () => {})).tenants;
  worker = await startWorker({ bundle: stack.bundle, settings: variables });
});
afterAll(() => worker.stop());

test("seeding again changes nothing, not one row of any table", async () => {
  const settings = parseSettings(variables);
  const everything = () =>
    Promise.all([
      dump(openRegistry(settings)),
      ...tenants.map(async ({ id }) => dump(await openTenant(settings, id))),
    ]);
  const before = await everything();
  expect(before.flatMap(Object.values).flat().length).toBeGreaterThan(100);
  expect(await seed(variables, () => {})).toEqual({ tenants });
  expect(await everything()).toEqual(before);
});

test("there are the two demo tenants, under their names", async () => {
  expect(tenants.map(({ slug, name }) => ({ slug, name }))).toEqual([
    { slug: "acme", name: "Acme" },
    { slug: "globex", name: "Globex" },
  ]);
});

/** What is said of the person when they name this tenant and its account, with a real token. */
async function meIn(email: string, { slug, accountId }: SeededTenant) {
  const { dataDir, settings } = stack;
  const issuer = String(settings["IDP_ISSUER"]);
  const token = await requestToken({ issuer, dataDir }, { person: subjectOf(email) });
  const headers = { authorization: `Bearer ${token}` };
  const [me, there] = await Promise.all([
    call(`${worker.url}/api/v1/auth/me`, { headers }),
    call(`${worker.url}/api/v1/auth/me`, {
      headers: { ...headers, "x-tenant-id": slug, "account-id": accountId },
    }),
  ]);
  return { me, there };
}

describe.each(people)("$email", ({ email, name, platformAdmin = false, tenants: seats }) => {
  test("has exactly the rights listed, and none anywhere else", async () => {
    for (const tenant of tenants) {
      const { me, there } = await meIn(email, tenant);
      expect(me).toMatchObject({ status: 200, body: { email, name, platformAdmin } });
      const mine = (me.body["tenants"] as Record<string, unknown>[]).map(
        ({ slug, role }) => `${role} of ${slug}`,
      );
      expect(mine.sort()).toEqual(
        seats.map(({ slug, tenantRole }) => `${tenantRole} of ${slug}`).sort(),
      );

      const seat = seats.find(({ slug }) => slug === tenant.slug);
      if (!seat) {
        expect(there).toMatchObject({ status: 403, body: { code: "tenant_forbidden" } });
        continue;
      }
      const { tenantRole, accountRole } = seat;
      const role = tenantRole === "member" ? accountRole : "ADMIN";
      expect(there.status).toBe(200);
      expect(there.body["membership"]).toMatchObject({
        tenant: { id: tenant.id, slug: tenant.slug, name: tenant.name },
        tenantRole,
        role,
        accountId: tenant.accountId,
        permissions: role ? permissionsOf[role] : [],
        accounts: [{ accountId: tenant.accountId, role: accountRole }],
      });
    }
  });
});

test("nobody is in a tenant whom the list does not place there", async () => {
  const settings = parseSettings(variables);
  for (const { id, slug } of tenants) {
    const db = await openTenant(settings, id);
    const users = await rowsOf<{ email: string }>(db, "select email from users order by email");
    const placed = people.filter((person) => person.tenants.some((seat) => seat.slug === slug));
    expect(users.map(({ email }) => email)).toEqual(placed.map(({ email }) => email).sort());
  }
  const admins = await rowsOf(
    openRegistry(settings),
    "select subject, active from platform_admins",
  );
  expect(admins).toEqual([{ subject: subjectOf("root@platform.test"), active: 1 }]);
});
