import { and, eq, isNull, type SQL } from "drizzle-orm";
import { ApiError, unavailable } from "../../core/error.ts";
import type { TenantRole } from "../../core/roles.ts";
import type { Accepted } from "../../db/columns.ts";
import { read } from "../read.ts";
import { asking, type Rule } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { ownerRemains } from "./users.rules.ts";
import { noSuchUser } from "./users.service.ts";
import { userIdentities, users } from "./users.table.ts";

export const living = (id: string | SQL) => and(eq(users.id, id), isNull(users.deletedAt));

export const identitiesOf = ({ db }: TenantScope, userId: string | SQL) =>
  db
    .select({ issuer: userIdentities.issuer, subject: userIdentities.subject })
    .from(userIdentities)
    .where(eq(userIdentities.userId, userId));

type Conditions = {
  readonly accepted?: Accepted;
  readonly rule: Rule;
  /** What the user had to be; living unless said otherwise. */
  readonly state?: "deleted";
  /** The tenant role they were to have. */
  readonly tenantRole?: TenantRole;
};

/**
 * The batch touched no row; a look at it says which condition failed. Not only a look: a change that is
 * already done may lack its second half, the registry's, and the repeated request makes up for it here.
 */
export async function explain(
  scope: TenantScope,
  id: string | SQL,
  { accepted, rule, state, tenantRole }: Conditions,
): Promise<Error> {
  const { version, deletedAt, tenantRole: role } = users;
  const [[row], identities] = await read(scope, (asked) => [
    asked.db
      .select({ version, deletedAt, role, mine: rule(asking(asked)), ownerRemains })
      .from(users)
      .where(eq(users.id, id)),
    identitiesOf(asked, id),
  ]);
  if (!row) return noSuchUser();
  const gone = row.deletedAt !== null;
  if (gone !== (state === "deleted")) {
    if (row.mine) await mendIndex(scope, gone, identities, row.role);
    return noSuchUser();
  }
  if (!row.mine) return new ApiError("forbidden", "You may not manage this user");
  if (Array.isArray(accepted) && !accepted.includes(row.version)) {
    if (row.role === tenantRole) await mendIndex(scope, gone, identities, row.role);
    return new ApiError("precondition_failed", "The user changed since you read them");
  }
  if (!row.ownerRemains)
    return new ApiError("last_owner", "The tenant keeps at least one active owner");
  return unavailable("The user is changing at this moment", undefined, 1);
}

const mendIndex = (
  { directory }: TenantScope,
  gone: boolean,
  identities: readonly { issuer: string; subject: string }[],
  role: TenantRole,
) =>
  gone
    ? directory.removeMemberships(identities)
    : directory.saveMemberships(identities.map((identity) => ({ ...identity, role })));
