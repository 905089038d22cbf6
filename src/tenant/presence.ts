import { sql } from "drizzle-orm";
import { newId } from "../core/id.ts";
import { oncePer } from "../core/recently.ts";
import { callerName } from "../core/request.ts";
import { type Query, statement } from "../db/batch.ts";
import { insertSelect } from "../db/insert-select.ts";
import { write, writeAudited } from "../db/write.ts";
import { apiKeys } from "./api-keys/api-keys.table.ts";
import { proofOf } from "./proof.ts";
import type { TenantScope } from "./scope.ts";
import { userSessions } from "./sessions/sessions.table.ts";

const minuteMs = 60_000;
const isNew = oncePer(minuteMs);

/** Writes down, beside the request, that a session or key was used: at most once a minute. */
export function noteUse(scope: TenantScope): void {
  const { caller, tenant, request, db } = scope;
  if (caller.kind === "operator") return;
  const sid = caller.kind === "user" ? caller.sid : "";
  if (!isNew(`${tenant.id} ${callerName(caller)} ${sid}`, request.now)) return;
  const anybody = { ...scope, access: { member: true } as const };
  request.keepAlive(writeAudited(db, proofOf(anybody, "read"), [write(useOf(scope, sid))], []));
}

function useOf({ caller, request, db }: TenantScope, sid: string): Query {
  const { now, ip, userAgent } = request;
  if (caller.kind === "key")
    return statement(
      db,
      sql`update ${apiKeys} set last_used_at = ${now}, last_used_ip = ${ip}
        where hash = ${caller.hash} and coalesce(last_used_at, 0) <= ${now - minuteMs}`,
    );
  const id = newId("session", now);
  const seen = { firstSeenAt: now, lastSeenAt: now, ip, userAgent };
  return insertSelect(
    db,
    userSessions,
    { id, userId: sql`actor_id`, sid, ...seen },
    sql`from audit_context where true
      on conflict (user_id, sid) do update set last_seen_at = excluded.last_seen_at,
        ip = excluded.ip, user_agent = excluded.user_agent
      where last_seen_at <= ${now - minuteMs}`,
  );
}
