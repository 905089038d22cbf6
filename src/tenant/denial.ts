import { sql } from "drizzle-orm";
import type { ErrorCode } from "../core/error.ts";
import { oncePer } from "../core/recently.ts";
import { callerName } from "../core/request.ts";
import { type Query, statement } from "../db/batch.ts";
import { isBlocked } from "../db/faults.ts";
import { GuardRefused, write, writeAudited } from "../db/write.ts";
import { principalOf } from "./principal.ts";
import { proofOf } from "./proof.ts";
import { asOperator } from "./reconsider.ts";
import { isBy, type TenantScope } from "./scope.ts";

const minuteMs = 60_000;
const isNew = oncePer(minuteMs);

/** Whoever is refused may ask for as many paths as they like: the log tells of so many a minute. */
const mostDenials = 10;

/** A line of the log about a request, not a row: also what `read` writes of platform admins. At most one a minute about the same. */
export const entryOf = ({ db, request }: TenantScope, action: "READ" | "DENY"): Query =>
  statement(
    db,
    sql`insert into audit_entries
    select 'requests', ${request.action}, ${action}, '[]', '[]', '[]', '' from audit_context c
    where not exists (select 1 from audit_logs l where l.entity_id = ${request.action}
      and l.entity = 'requests' and l.at > ${request.now - minuteMs} and l.action = ${action}
      and l.actor_id = c.actor_id and l.reason is c.reason)
    ${
      action === "DENY"
        ? sql`and (select count(*) from audit_logs l where l.actor_id = c.actor_id
      and l.at > ${request.now - minuteMs} and l.action = 'DENY') < ${mostDenials}`
        : sql``
    }`,
  );

/**
 * Puts down in the tenant's log that somebody known there was refused: a user, a key, a platform admin
 * with a grant. Strangers are only in the Worker's own log: they must not fill a tenant's.
 */
export function noteDenial(scope: TenantScope, code: ErrorCode): void {
  const { caller, tenant, request } = scope;
  if (code === "tenant_forbidden") return;
  if (!isNew(`${tenant.id} ${callerName(caller)} ${request.action} ${code}`, request.now)) return;
  request.keepAlive(record(scope, code));
}

async function record(scope: TenantScope, code: ErrorCode): Promise<void> {
  const known = {
    ...proofOf(scope, "read"),
    reason: sql`${code} || coalesce(': ' || p.reason, '')`,
  };
  const from = sql`select * from (${principalOf(scope, "read")}) where actorId is not null`;
  try {
    await writeAudited(scope.db, { ...known, from }, [write(entryOf(scope, "DENY"))], []);
  } catch (error) {
    if (isBlocked(error)) return;
    if (!(error instanceof GuardRefused)) throw error;
    if (!isBy(scope, "user") || !scope.caller.platformClaim) return;
    await record({ ...scope, caller: asOperator(scope.caller) }, code);
  }
}
