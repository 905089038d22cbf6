import { sql } from "drizzle-orm";
import { type Context, trace } from "../db/write.ts";
import { type Intent, principalOf } from "./principal.ts";
import type { TenantScope } from "./scope.ts";

/** The audit context of the caller, there only if the route is open to them: what guards a batch. */
export const proofOf = (scope: TenantScope, intent: Intent): Context => ({
  actorType: sql`${scope.caller.kind}`,
  actorId: sql`p.actorId`,
  tenantRole: sql`p.tenantRole`,
  role: sql`p.role`,
  accountId: sql`p.accountId`,
  reason: sql`p.reason`,
  ...trace(scope.request),
  from: sql`select * from (${principalOf(scope, intent)}) where admitted`,
});
