import { type SQL, sql } from "drizzle-orm";
import { mine } from "./principal.ts";
import type { TenantScope } from "./scope.ts";

/** What the caller is, as SQL, for rules that need it as data. */
export type Rights = { readonly tenantRole: SQL; readonly role: SQL; readonly accountId: SQL };

/** As the guard of the running batch proved them: for its writes. */
export const proved: Rights = {
  tenantRole: sql`(select tenant_role from audit_context)`,
  role: sql`(select role from audit_context)`,
  accountId: sql`(select account_id from audit_context)`,
};

/** As the principal has them: for reads, which have no audit context. */
export const rightsOf = (scope: TenantScope): Rights => ({
  tenantRole: mine(scope, "tenantRole"),
  role: mine(scope, "role"),
  accountId: mine(scope, "accountId"),
});

/** A condition on the row in question. */
export type Rule = (by: Rights) => SQL;
