import { and, eq } from "drizzle-orm";
import { permissionsOf } from "../../core/permissions.ts";
import { type Accepted, atVersion } from "../../db/columns.ts";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import { mine } from "../principal.ts";
import { read, readAs } from "../read.ts";
import { proved } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { touched } from "../stamps.ts";
import type { MyPatch, User } from "./users.schema.ts";
import { accountsOf, changedSince, toUser, userQueries } from "./users.service.ts";
import { users } from "./users.table.ts";

/** What the caller is in the tenant the request names, and in which of its accounts. One round trip. */
export async function getMyMembership(scope: TenantScope) {
  const { tenantId: id, slug, name } = tenantIdentity;
  const { principal, results } = await readAs(scope, (asked) => [
    asked.db.select({ id, slug, name }).from(tenantIdentity),
    accountsOf(asked.db, mine(asked, "userId")),
  ]);
  const [[tenant], memberOf] = results;
  const { userId, tenantRole, accountId, role, reason } = principal;
  if (!tenant || !tenantRole) throw new Error("An admitted principal is incomplete");
  return {
    tenant,
    userId,
    tenantRole,
    accountId,
    role,
    permissions: role ? [...permissionsOf[role]] : [],
    accounts: memberOf,
    grantReason: reason,
  };
}

export async function getMe(scope: TenantScope): Promise<User> {
  return toUser(await read(scope, userQueries(scope.db, mine(scope, "userId"))));
}

/** What people may change of themselves. Who they are, an address or a standing, is not among it. */
export async function updateMe(
  scope: TenantScope,
  patch: MyPatch,
  accepted: Accepted,
): Promise<User> {
  const { db, request } = scope;
  const update = db
    .update(users)
    .set({ ...patch, ...touched(users.version, request.now) })
    .where(and(eq(users.id, proved.userId), atVersion(users.version, accepted)));
  const me = mine(scope, "userId");
  return toUser(await commit(scope, [must(update, changedSince)], userQueries(db, me)));
}
