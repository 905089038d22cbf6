import { permissionsOf } from "../../core/permissions.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import { mine } from "../principal.ts";
import { readAs } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import { accountsOf } from "./users.service.ts";

/** What the caller is in the tenant the request names, and in which of its accounts. One round trip. */
export async function getMyMembership(scope: TenantScope) {
  const { db } = scope;
  const { principal, results } = await readAs(scope, [
    db
      .select({ id: tenantIdentity.tenantId, slug: tenantIdentity.slug, name: tenantIdentity.name })
      .from(tenantIdentity),
    accountsOf(db, mine(scope, "userId")),
  ] as const);
  const [[tenant], memberOf] = results;
  const { userId, tenantRole, accountId, role } = principal;
  if (!tenant || !userId || !tenantRole) throw new Error("An admitted principal is incomplete");
  return {
    tenant,
    userId,
    tenantRole,
    accountId,
    role,
    permissions: role ? [...permissionsOf[role]] : [],
    accounts: memberOf,
  };
}
