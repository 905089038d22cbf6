import { randomUUID } from "node:crypto";
import { decodeProtectedHeader } from "jose";
import { expect, test } from "vitest";
import { openTenantDb } from "../../db/connect.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import { platformOf } from "../../ports.backends.ts";
import { codeOf } from "../../testing/client.ts";
import { testBudget } from "../../testing/databases.ts";
import { tracesOf } from "../../testing/founder.ts";
import {
  newPerson,
  newTenant,
  type Person,
  registry,
  settings,
  stack,
} from "../../testing/harness.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
import { openToken } from "./token-vault.ts";

const newSlug = () => `t-${randomUUID().slice(0, 13)}`;
const signUp = (person: Person, slug: string, name = "Acme Inc.") =>
  person.call("/api/v1/tenants/register", { method: "POST", body: { name, slug } });
const inTenant = (slug: string) => ({ headers: { "x-tenant-id": slug } });

/** Whether sqld has this namespace, by its own account. */
async function exists(name: string): Promise<boolean> {
  const { SQLD_ADMIN_URL: url, SQLD_ADMIN_KEY: key } = stack.settings;
  const headers = { authorization: `Basic ${key}` };
  const response = await fetch(`${url}/v1/namespaces/${name}/config`, { headers });
  await response.body?.cancel();
  return response.ok;
}

const tenantsOf = (owner: Person) =>
  rowsOf<{ id: string; slug: string; status: string; name: string }>(
    registry,
    `select t.id, t.slug, t.status, t.database_name as name from tenant_users u
      join tenants t on t.id = u.tenant_id where u.subject = '${owner.subject}'`,
  );

test("a registration answers with the tenant, and everything it promises is there", async () => {
  const [owner, slug] = [newPerson(), newSlug()];
  const { status, body } = await signUp(owner, slug, "  Acme Inc. ");
  expect(status).toBe(201);
  expect(body).toEqual({
    id: expect.stringMatching(/^tnt_[0-9a-f-]{36}$/),
    slug,
    name: "Acme Inc.",
    status: "active",
    plan: "basic",
    defaultAccountId: expect.stringMatching(/^acc_[0-9a-f-]{36}$/),
    ownerId: expect.stringMatching(/^usr_[0-9a-f-]{36}$/),
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  });
  const { defaultAccountId, ownerId } = body;

  const { id, central, own } = await tracesOf({ slug });
  expect(id).toBe(body["id"]);
  expect(central.tenants).toMatchObject([
    {
      slug,
      name: "Acme Inc.",
      status: "active",
      schema_version: tenantMigrations.length,
      database_name: databaseNameOf(String(id)),
      database_host: null,
    },
  ]);
  expect(central.memberships).toMatchObject([{ subject: owner.subject, role: "owner" }]);
  expect(own?.stamp).toMatchObject([
    { tenant_id: id, slug, name: "Acme Inc.", default_account_id: defaultAccountId },
  ]);
  expect(own?.users).toMatchObject([
    { id: ownerId, email: owner.email, status: "active", tenant_role: "owner" },
  ]);
  expect(own?.identities).toMatchObject([{ subject: owner.subject, user_id: ownerId }]);
  expect(own?.accounts).toMatchObject([{ id: defaultAccountId, name: "Acme Inc.", active: 1 }]);
  expect(own?.members).toMatchObject([
    { account_id: defaultAccountId, user_id: ownerId, role: "ADMIN" },
  ]);
  expect(own?.settings).toMatchObject([{ value: "{}", version: 1 }]);
});

test("the owner works in the new tenant from the next request on", async () => {
  const [owner, slug] = [newPerson(), newSlug()];
  const before = await owner.call("/api/v1/tenant", inTenant(slug));
  expect(codeOf(before)).toBe("403 tenant_forbidden");
  const { body } = await signUp(owner, slug);
  const created = await owner.call("/api/v1/users", {
    method: "POST",
    body: { name: "Ada", email: "ada@acme.test" },
    ...inTenant(slug),
  });
  expect(created).toMatchObject({ status: 201, body: { createdBy: body["ownerId"] } });
  const mine = await owner.call("/api/v1/tenants");
  expect(mine.body["data"]).toMatchObject([{ id: body["id"], slug, role: "owner" }]);
});

test("a tenant has a database of its own, whose token opens it and no other", async () => {
  const [tenant, other] = await Promise.all([newTenant(), newTenant()]);
  expect(await exists(databaseNameOf(tenant.id))).toBe(true);
  expect(await exists(`${databaseNameOf(tenant.id)}0`)).toBe(false);

  const { central } = await tracesOf(tenant);
  const sealed = String(central.tenants[0]?.["sealed_token"]);
  const token = await openToken(settings.ENCRYPTION_KEY, tenant.id, sealed);
  const open = (name: string) =>
    openTenantDb(
      { ...platformOf(settings, fetch).locate(name, null), token },
      { ...testBudget(), deadline: Date.now() + 1000 },
      tenant.id,
    );
  const whose = "select tenant_id from tenant_identity";
  const own = open(databaseNameOf(tenant.id));
  expect(await rowsOf(own, whose)).toEqual([{ tenant_id: tenant.id }]);
  for (const name of [databaseNameOf(other.id), "registry"])
    await expect(rowsOf(open(name), whose), name).rejects.toMatchObject({ status: 503 });
});

test("the registry holds a tenant's token only as ciphertext, its history not even that", async () => {
  const { slug, id } = await newTenant();
  const { central } = await tracesOf({ slug });
  const sealed = String(central.tenants[0]?.["sealed_token"]);
  expect(sealed.split(".")).toHaveLength(5);
  expect(decodeProtectedHeader(sealed)).toEqual({
    alg: "dir",
    enc: "A256GCM",
    kid: settings.ENCRYPTION_KEY[0]?.kid,
    tenant: id,
  });
  const token = await openToken(settings.ENCRYPTION_KEY, id, sealed);
  const everything = JSON.stringify(central);
  expect(everything).not.toContain(token.reveal());
  expect(everything).not.toMatch(/eyJ[\w-]+\.eyJ/);
  expect(JSON.stringify(central.log)).not.toContain(sealed);
  const recorded = central.log.map(({ changes }) => JSON.parse(String(changes))["sealed_token"]);
  expect(recorded.filter(Boolean)).toEqual([{ old: null, new: "[redacted]" }]);
});

test("a slug is taken for everybody once it is taken, and its owner is told that it is theirs", async () => {
  const { slug, id, owner } = await newTenant();
  const [stranger, same] = await Promise.all([signUp(newPerson(), slug), signUp(owner, slug)]);
  expect(codeOf(stranger)).toBe("409 slug_taken");
  expect(stranger.body["detail"]).toBe(`The slug ${slug} is taken`);
  expect(codeOf(same)).toBe("409 slug_taken");
  expect(same.body["detail"]).toBe(`You registered ${slug} already: tenant ${id}`);
});

test.each([
  ["reserved", "admin"],
  ["reserved for mail", "postmaster"],
  ["too short", "ab"],
  ["too long", "a".repeat(51)],
  ["longer than a label", "a".repeat(64)],
  ["empty", ""],
  ["in upper case", "Acme-Inc"],
  ["punycode", "xn--80ak6aa92e"],
  ["with a hyphen first", "-acme"],
  ["with a hyphen last", "acme-"],
  ["with a dot", "acme.inc"],
  ["with an underscore", "tnt_acme"],
  ["with a path in it", "../registry"],
  ["with a space around", " acme "],
  ["with a newline last", "acme\n"],
  ["in another script", "аcmе"],
])("a slug that is %s is refused and names the field", async (_, slug) => {
  const person = newPerson();
  const { status, body } = await signUp(person, slug);
  expect({ status, code: body["code"] }).toEqual({ status: 400, code: "invalid_request" });
  expect(body["errors"]).toMatchObject([{ in: "body", path: "slug" }]);
  expect(await tenantsOf(person)).toEqual([]);
});

test("the shortest and the longest slug are taken as they are", async () => {
  const random = randomUUID().replaceAll("-", "");
  for (const slug of [random.slice(0, 3), `${random}${random}`.slice(0, 50)])
    expect(await signUp(newPerson(), slug)).toMatchObject({ status: 201, body: { slug } });
});

test("who proves no e-mail address registers nothing", async () => {
  const person = newPerson();
  for (const claims of [{ email_verified: false }, { email_verified: "true" }, { email: "" }]) {
    const slug = newSlug();
    const answer = await person.call("/api/v1/tenants/register", {
      method: "POST",
      body: { name: "Acme", slug },
      headers: { authorization: `Bearer ${await person.token(claims)}` },
    });
    expect(codeOf(answer)).toBe("403 verified_email_required");
    expect((await tracesOf({ slug })).central.tenants).toEqual([]);
  }
});
