import { type SQL, sql } from "drizzle-orm";
import { apiKeys } from "./api-keys/api-keys.table.ts";
import { mine } from "./principal.ts";
import type { TenantScope } from "./scope.ts";

/** What the caller is, as SQL: rules that decide by it say nothing of where it comes from. */
export type Rights = Record<"kind" | "tenantRole" | "role" | "accountId" | "userId", SQL>;

const provedColumn = (name: string) => sql`(select ${sql.identifier(name)} from audit_context)`;

/** As the guard of the running batch proved them. A key's user is its owner. */
export const proved: Rights = {
  kind: provedColumn("actor_type"),
  tenantRole: provedColumn("tenant_role"),
  role: provedColumn("role"),
  accountId: provedColumn("account_id"),
  userId: sql`(select iif(c.actor_type = 'key', k.owner_id, c.actor_id) from audit_context c
    left join ${apiKeys} k on k.id = c.actor_id)`,
};

/** For a query that reads in the same batch as the principal. */
export const asking = (scope: TenantScope): Rights => ({
  kind: sql`${scope.caller.kind}`,
  tenantRole: mine(scope, "tenantRole"),
  role: mine(scope, "role"),
  accountId: mine(scope, "accountId"),
  userId: mine(scope, "userId"),
});

export const rules = ({ tenantRole }: Rights): SQL =>
  sql`coalesce(${tenantRole} in ('owner', 'admin'), 0)`;

/** What lasts is not for platform admins to give: they may take it away, and are gone themselves. */
export const stays = ({ kind }: Rights): SQL => sql`${kind} <> 'operator'`;

/** A condition on the row in question. */
export type Rule = (by: Rights) => SQL;
