import { type SQL, sql } from "drizzle-orm";
import { isOpenTo } from "../core/access.ts";
import type { Intent } from "./principal.ts";
import type { TenantScope } from "./scope.ts";

/** Rules the whole tenant, and so every account in it. `u` is the user. */
export const rulesTenant = sql`u.tenant_role in ('owner', 'admin')`;

/** What the user is in the account they work in. `m` is their membership of it. */
export const effectiveRole = sql`case when ${rulesTenant} then 'ADMIN' else m.role end`;

export const oneOf = (column: SQL, values: readonly string[] | null): SQL =>
  values === null ? sql`true` : sql`${column} in ${values}`;

/** The tenant is there for this: one that is being deleted is only to be looked at. */
export const isUp = ({ access }: TenantScope, intent: Intent, status: SQL): SQL =>
  intent === "read" || access.whileDeleting
    ? sql`${status} in ('active', 'deleting')`
    : sql`${status} = 'active'`;
/** Nothing is written to a database that is held. `t` is its stamp. */
export const isOpenFor = (intent: Intent): SQL =>
  intent === "read" ? sql`true` : sql`t.held_at is null`;

/** What needs no look at a row: the kind of caller, and what the tenant has been given. */
export function isOpen({ access, caller, tenant }: TenantScope): SQL {
  const feature = access.feature === undefined || tenant.features[access.feature] === true;
  return feature && isOpenTo(access, caller.kind) ? sql`true` : sql`false`;
}
