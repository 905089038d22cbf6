import { type Access, admission } from "../core/access.ts";
import { type AccountRole, accountRoles, type TenantRole } from "../core/roles.ts";
import { batch } from "../db/batch.ts";
import { platformAdmins } from "../registry/admins/admins.table.ts";
import { type Member, newPerson, newTenant, type Person, registry, settings } from "./harness.ts";
import { placeAccount } from "./rows.ts";

/** Where somebody stands in the tenant, and in the account they name. */
export type Position = {
  readonly title: string;
  readonly tenantRole: TenantRole;
  readonly role: AccountRole | null;
  readonly person: Member;
};

/** A tenant with somebody in every position that routes tell apart, and people who should not get in. */
export async function newHouse() {
  const [tenant, other] = await Promise.all([newTenant(), newTenant()]);
  const admin = await tenant.member({ tenantRole: "admin" });
  const positions: Position[] = [
    { title: "owner", tenantRole: "owner", role: "ADMIN", person: tenant.owner },
    { title: "admin", tenantRole: "admin", role: "ADMIN", person: admin },
  ];
  for (const role of accountRoles) {
    const person = await tenant.member({ accountRole: role });
    positions.push({ title: role, tenantRole: "member", role, person });
  }
  const member = await tenant.member({ accountRole: "ADMIN" });
  const person = naming(member, { "account-id": undefined });
  positions.push({ title: "ADMIN who names no account", tenantRole: "member", role: null, person });

  const inTenant = { "x-tenant-id": tenant.slug };
  const suspended = await tenant.member({ accountRole: "ADMIN", status: "suspended" });
  const outsiders = [
    {
      title: "another tenant's owner",
      person: naming(other.owner, inTenant),
      refusal: { status: 403, code: "tenant_forbidden" },
    },
    {
      title: "somebody of no tenant",
      person: naming(newPerson(), inTenant),
      refusal: { status: 403, code: "tenant_forbidden" },
    },
    {
      title: "a platform admin without a grant",
      person: naming(await newPlatformAdmin(), inTenant),
      refusal: { status: 403, code: "tenant_forbidden" },
    },
    {
      title: "a suspended user",
      person: suspended,
      refusal: { status: 403, code: "user_suspended" },
    },
  ];
  return {
    tenant,
    other,
    positions,
    outsiders,
    secondAccount: await placeAccount(tenant.db, "Second"),
  };
}
export type House = Awaited<ReturnType<typeof newHouse>>;

export async function newPlatformAdmin(): Promise<Person> {
  const person = newPerson();
  const { identityProvider, CLAIM_NAMESPACE } = settings;
  const row = { issuer: identityProvider.issuer, subject: person.subject, active: true };
  await batch(registry, "write", [
    registry.insert(platformAdmins).values({ ...row, createdAt: Date.now() }),
  ]);
  const token = await person.token({ [`${CLAIM_NAMESPACE}global_admin`]: true });
  return naming(person, { authorization: `Bearer ${token}` });
}

/** The same person, whose every request sends these headers too. */
const naming = <P extends Pick<Person, "call">>(
  person: P,
  headers: Record<string, string | undefined>,
): P => ({
  ...person,
  call: (path, options = {}) =>
    person.call(path, { ...options, headers: { ...headers, ...options.headers } }),
});

/** How a route with this access answers somebody in this position; undefined where it is open to them. */
export function refusalOf(
  access: Access,
  { tenantRole, role }: Position,
): { status: number; code: string } | undefined {
  const { tenantRoles, roles } = admission(access);
  if (tenantRoles && !tenantRoles.includes(tenantRole)) return { status: 403, code: "forbidden" };
  if (roles && role === null) return { status: 400, code: "account_required" };
  if (roles && role && !roles.includes(role)) return { status: 403, code: "forbidden" };
  return undefined;
}
