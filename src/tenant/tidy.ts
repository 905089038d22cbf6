import { and, inArray, isNull, lte, or } from "drizzle-orm";
import type { RequestContext } from "../core/request.ts";
import { batch } from "../db/batch.ts";
import type { TenantDb } from "../db/connect.ts";
import { contextOf, write, writeAudited } from "../db/write.ts";
import { idempotencyKeys } from "./idempotency/idempotency.table.ts";
import { userSessions } from "./sessions/sessions.table.ts";

const dayMs = 86_400_000;
const forgottenMs = 90 * dayMs;
/** Longer than anything lives that could bring the session back: until then the row keeps it out. */
const revokedMs = 400 * dayMs;
/** Of each kind at a time: each session leaves a row in the log. */
const most = 500;

/**
 * Throws away what a tenant no longer needs: answers kept for repeated requests, sessions not seen for
 * long. Returns how many rows. A database with nothing to throw away is only read.
 */
export async function tidyTenant(db: TenantDb, request: RequestContext): Promise<number> {
  const { now } = request;
  const { id, lastSeenAt, revokedAt } = userSessions;
  const over = or(isNull(revokedAt), lte(revokedAt, now - revokedMs));
  const forgotten = db
    .select({ id })
    .from(userSessions)
    .where(and(lte(lastSeenAt, now - forgottenMs), over))
    .limit(most);
  const expired = db
    .select({ id: idempotencyKeys.id })
    .from(idempotencyKeys)
    .where(lte(idempotencyKeys.expiresAt, now))
    .limit(most);
  const [sessions, keys] = await batch(db, "read", [forgotten, expired] as const);
  const found = sessions.length + keys.length;
  if (found === 0) return 0;
  const writes = [
    write(db.delete(userSessions).where(inArray(id, forgotten))),
    write(db.delete(idempotencyKeys).where(inArray(idempotencyKeys.id, expired))),
  ];
  await writeAudited(db, contextOf(request), writes, []);
  return found;
}
