import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { type Identity, systemRequest } from "../core/request.ts";
import { createPorts } from "../ports.ts";
import { registerTenant } from "../registry/tenants/provision.service.ts";
import { openTenant, testBudget } from "./databases.ts";
import { registry, settings } from "./harness.ts";
import { rowsOfAll } from "./raw-sql.ts";

/** Somebody the provider has vouched for, as a service in this process meets them. */
export const newIdentity = (): Identity => ({
  kind: "user",
  issuer: settings.identityProvider.issuer,
  subject: `test|${randomUUID()}`,
  email: `${randomUUID()}@people.test`,
  name: "Test Founder",
  sid: "test",
  issuedAt: Date.now(),
  tenantClaim: null,
  organizationClaim: null,
  platformClaim: false,
});

/** Somebody who signs up in this process, over a network of the test's making. */
export function newFounder() {
  const caller = newIdentity();
  const slug = `t-${randomUUID().slice(0, 13)}`;
  return {
    caller,
    slug,
    /** `leaseMs` is how long a driver that vanished keeps others waiting. */
    signUp(get: typeof fetch, leaseMs = 20) {
      const request = systemRequest("test");
      const budget = { ...testBudget(), writers: settings.DATABASE_WRITERS, fetch: get };
      const scope = createPorts(settings, get).openProvisioning({ request, budget }, caller);
      return registerTenant({ ...scope, leaseMs }, { name: `Tenant ${slug}`, slug });
    },
  };
}
export type Founder = ReturnType<typeof newFounder>;

/** Every row a sign-up leaves in the registry and, once it is migrated, in the tenant's database. */
export async function tracesOf({ slug }: Pick<Founder, "slug">) {
  const id = sql`(select id from tenants where slug = ${slug})`;
  const operation = sql`(select id from operations where tenant_id = ${id})`;
  const central = await rowsOfAll(registry, {
    tenants: sql`select * from tenants where slug = ${slug}`,
    memberships: sql`select * from tenant_users where tenant_id = ${id}`,
    operations: sql`select * from operations where tenant_id = ${id}`,
    steps: sql`select * from operation_steps where operation_id in ${operation} order by position`,
    log: sql`select * from audit_logs where entity = 'tenants' and entity_id = ${id}
      or entity = 'tenant_users' and entity_id like '%:' || ${id} order by sequence`,
  });
  const [tenant] = central.tenants;
  if (!tenant?.["schema_version"]) return { id: tenant?.["id"], central, own: undefined };
  const tenantId = String(tenant["id"]);
  const own = await rowsOfAll(await openTenant(settings, tenantId), {
    stamp: "select * from tenant_identity",
    users: "select * from users",
    identities: "select * from user_identities",
    accounts: "select * from accounts",
    members: "select * from account_members",
    settings: "select * from settings",
    log: "select * from audit_logs order by sequence",
    context: "select * from audit_context",
  });
  return { id: tenantId, central, own };
}
export type Traces = Awaited<ReturnType<typeof tracesOf>>;
