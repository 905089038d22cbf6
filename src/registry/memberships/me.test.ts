import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { permissions } from "../../core/permissions.ts";
import { batch } from "../../db/batch.ts";
import type { Problem } from "../../http/problem.ts";
import { tenantIdentity } from "../../tenant/identity/identity.table.ts";
import { newPerson, newTenant, type Person, registry, settings } from "../../testing/harness.ts";
import { placeAccount, placeInAccount } from "../../testing/rows.ts";
import { platformAdmins } from "../admins/admins.table.ts";

type Me = Record<string, unknown> & { platformAdmin: boolean; membership: Record<string, unknown> };
const path = "/api/v1/auth/me";
const { issuer } = settings.identityProvider;

test("a person without a tenant learns who they are and that they are nowhere", async () => {
  const person = newPerson();
  const { status, body } = await person.call<Me>(path);
  expect(status).toBe(200);
  expect(body).toEqual({
    issuer,
    subject: person.subject,
    email: person.email,
    name: "Test Person",
    platformAdmin: false,
    tenants: [],
    membership: null,
  });
});

test("an address the provider did not verify is not shown as the person's", async () => {
  const person = newPerson();
  for (const claims of [
    { email_verified: false },
    { email_verified: "true" },
    { email_verified: undefined },
    { email: "not an address" },
  ]) {
    const headers = { authorization: `Bearer ${await person.token(claims)}` };
    const { status, body } = await person.call<Me>(path, { headers });
    expect([status, body["email"]], JSON.stringify(claims)).toEqual([200, null]);
  }
});

test("a name too long to store is cut, never through a character, also where it is stored", async () => {
  const person = newPerson();
  const authorization = `Bearer ${await person.token({ name: `${"a".repeat(199)}😀` })}`;
  const { body } = await person.call<Me>(path, { headers: { authorization } });
  expect(body["name"]).toBe("a".repeat(199));
  const registered = await person.call("/api/v1/tenants/register", {
    method: "POST",
    headers: { authorization },
    body: { name: "Emoji Inc.", slug: `e-${randomUUID().slice(0, 13)}` },
  });
  expect(registered.status).toBe(201);
});

test("an owner who names no tenant sees their tenants, and who names one their rights in it", async () => {
  const acme = await newTenant();
  const nowhere = await acme.owner.call<Me>(path, { headers: { "x-tenant-id": undefined } });
  const mine = [
    {
      id: acme.id,
      slug: acme.slug,
      name: `Tenant ${acme.slug}`,
      status: "active",
      plan: "basic",
      role: "owner",
      createdAt: expect.any(String) as string,
    },
  ];
  expect(nowhere.body["tenants"]).toEqual(mine);
  expect(nowhere.body.membership).toBeNull();
  const { body } = await acme.owner.call<Me>(path);
  expect(body["tenants"]).toEqual(mine);
  expect(body.membership).toEqual({
    tenant: { id: acme.id, slug: acme.slug, name: `Tenant ${acme.slug}` },
    userId: acme.owner.userId,
    tenantRole: "owner",
    accountId: null,
    role: "ADMIN",
    permissions: [...permissions],
    grantReason: null,
    accounts: [{ accountId: acme.accountId, name: `Tenant ${acme.slug}`, role: "ADMIN" }],
  });
});

test("a member's rights are those of the account they name, and none without one", async () => {
  const acme = await newTenant();
  const branch = await placeAccount(acme.db, "Branch");
  const closed = await placeAccount(acme.db, "Closed", { deletedAt: 1 });
  const member = await acme.member({ accountRole: "AUTHOR" });
  await placeInAccount(acme.db, branch, member.userId, "BILLING");
  await placeInAccount(acme.db, closed, member.userId, "ADMIN");
  const rights = async (accountId: string | undefined) => {
    const answer = await member.call<Me>(path, { headers: { "account-id": accountId } });
    const { accountId: named, role, permissions: may, accounts } = answer.body.membership;
    return { named, role, may, accounts };
  };
  const accounts = [
    { accountId: branch, name: "Branch", role: "BILLING" },
    { accountId: acme.accountId, name: `Tenant ${acme.slug}`, role: "AUTHOR" },
  ];
  expect(await rights(undefined)).toEqual({ named: null, role: null, may: [], accounts });
  expect(await rights(branch)).toEqual({
    named: branch,
    role: "BILLING",
    may: ["MANAGE_BILLING", "VIEW_BILLING"],
    accounts,
  });
  expect(await rights(acme.accountId)).toEqual({
    named: acme.accountId,
    role: "AUTHOR",
    accounts,
    may: ["CREATE_CONTENT", "EDIT_OWN_CONTENT", "VIEW_CONTENT"],
  });
  const refused = await member.call<Problem>(path, { headers: { "account-id": closed } });
  expect([refused.status, refused.body.code]).toEqual([403, "account_forbidden"]);
});

test("who names a tenant that is not theirs, suspended or none is refused, not shown half", async () => {
  const acme = await newTenant();
  const suspended = await newTenant();
  await batch(suspended.db, "write", [
    suspended.db.update(tenantIdentity).set({ status: "suspended" }),
  ] as const);
  const ask = async (person: Person, tenant: string) => {
    const answer = await person.call<Problem>(path, { headers: { "x-tenant-id": tenant } });
    return [answer.status, answer.body.code];
  };
  expect(await ask(newPerson(), acme.slug)).toEqual([403, "tenant_forbidden"]);
  expect(await ask(acme.owner, "no-such-tenant")).toEqual([403, "tenant_forbidden"]);
  expect(await ask(newPerson(), suspended.slug)).toEqual([403, "tenant_forbidden"]);
  expect(await ask(suspended.owner, suspended.slug)).toEqual([403, "tenant_suspended"]);
  expect(await ask(acme.owner, "Not A Name")).toEqual([400, "invalid_request"]);
});

async function placeAdmin({ subject }: Person, active: boolean): Promise<void> {
  const row = { issuer, subject, active, createdAt: Date.now() };
  await batch(registry, "write", [registry.insert(platformAdmins).values(row)] as const);
}
const claim = `${settings.CLAIM_NAMESPACE}global_admin`;

async function isPlatformAdmin(person: Person, value: unknown): Promise<boolean> {
  const headers = { authorization: `Bearer ${await person.token({ [claim]: value })}` };
  const { status, body } = await person.call<Me>(path, { headers });
  expect(status).toBe(200);
  return body.platformAdmin;
}

test("a platform admin needs the claim, exactly true, and an active row, now", async () => {
  const root = newPerson();
  await placeAdmin(root, true);
  expect(await isPlatformAdmin(root, true)).toBe(true);
  for (const value of ["true", 1, "yes", [true], { value: true }, false, null, undefined])
    expect(await isPlatformAdmin(root, value), JSON.stringify(value)).toBe(false);
  const retired = newPerson();
  await placeAdmin(retired, false);
  expect(await isPlatformAdmin(retired, true)).toBe(false);
  expect(await isPlatformAdmin(newPerson(), true)).toBe(false);
  const retire = registry.update(platformAdmins).set({ active: false });
  await batch(registry, "write", [retire.where(eq(platformAdmins.subject, root.subject))] as const);
  expect(await isPlatformAdmin(root, true)).toBe(false);
});

test("a row under another issuer, or the claim without our namespace, makes nobody an admin", async () => {
  const person = newPerson();
  const row = { issuer: "https://elsewhere.test/", subject: person.subject, active: true };
  await batch(registry, "write", [
    registry.insert(platformAdmins).values({ ...row, createdAt: 1 }),
  ] as const);
  expect(await isPlatformAdmin(person, true)).toBe(false);
  const root = newPerson();
  await placeAdmin(root, true);
  const token = await root.token({ global_admin: true, "https://evil.test/global_admin": true });
  const { body } = await root.call<Me>(path, { headers: { authorization: `Bearer ${token}` } });
  expect(body.platformAdmin).toBe(false);
});

test("platform admins see no tenant they are not in", async () => {
  const acme = await newTenant();
  const root = newPerson();
  await placeAdmin(root, true);
  const headers = {
    authorization: `Bearer ${await root.token({ [claim]: true })}`,
    "x-tenant-id": acme.slug,
  };
  const me = await root.call<Problem>(path, { headers });
  const users = await root.call<Problem>("/api/v1/users", { headers });
  expect([me.body.code, users.body.code]).toEqual(["tenant_forbidden", "tenant_forbidden"]);
});
