import { type SQL, sql } from "drizzle-orm";
import type { AccountRole, TenantRole } from "../core/roles.ts";
import { statement } from "../db/batch.ts";
import type { StampStatus } from "./identity/identity.table.ts";
import { principalOfKey } from "./principal.key.ts";
import { principalOfOperator } from "./principal.operator.ts";
import { principalOfUser } from "./principal.user.ts";
import type { TenantScope } from "./scope.ts";

/** The caller as the tenant's own database knows them, and whether the route is open to them. */
export type Principal = {
  readonly admitted: 0 | 1;
  readonly tenantId: string;
  readonly tenantStatus: StampStatus;
  /** True while nothing is written here, and for ever once the tenant is elsewhere. */
  readonly held: 0 | 1;
  /** What the credential leads to here; set for whatever ever led somewhere, also if it is over. */
  readonly linkedTo: string | null;
  /** False once the session or key was revoked, has expired, or its owner is gone. */
  readonly live: 0 | 1 | null;
  /** Who the log names: a user, a key, or `issuer|subject` of a platform admin. */
  readonly actorId: string | null;
  /** The user the caller is or acts for; none for a platform admin. */
  readonly userId: string | null;
  readonly userStatus: "pending" | "active" | "suspended" | null;
  readonly tenantRole: TenantRole | null;
  readonly accountId: string | null;
  /** False where the caller names an account they may not work in. */
  readonly reachable: 0 | 1 | null;
  readonly role: AccountRole | null;
  /** Why a platform admin was let in. */
  readonly reason: string | null;
  readonly mode: "read" | "write" | null;
};

/** What a batch is about to do: a grant may be for looking only. */
export type Intent = "read" | "write";

/** One row, always: what of the caller, the account and the tenant could be found. */
export function principalOf(scope: TenantScope, intent: Intent): SQL {
  const { caller } = scope;
  if (caller.kind === "user") return principalOfUser(scope, caller, intent);
  if (caller.kind === "key") return principalOfKey(scope, caller, intent);
  return principalOfOperator(scope, caller, intent);
}

export const principalQuery = (scope: TenantScope, intent: Intent) =>
  statement<Principal>(scope.db, principalOf(scope, intent));

/** What the caller is, for a query in the same batch that is about them. One row at most. */
export const mine = (scope: TenantScope, column: keyof Principal): SQL =>
  sql`(select ${sql.identifier(column)} from (${principalOf(scope, "read")}))`;
