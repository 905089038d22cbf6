import { and, asc, eq, inArray, isNotNull, isNull, lt, lte, or, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { isUnderWay } from "../databases/exclusive.ts";
import type { JobScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { backups } from "./backups.table.ts";
import { beginBackup } from "./begin.service.ts";

const dayMs = 86_400_000;
/** At one call of the clock: the sweeper makes them, after this. */
const mostBegun = 20;
const mostForgotten = 50;
const clock = { issuer: "system", subject: "back_up_tenants" };

/** Begins a backup of each tenant whose last one is a day old, those that have waited longest first. */
export async function backUpTenants(scope: JobScope) {
  const done = { begun: 0, failed: 0 };
  if (!scope.store) return done;
  const { db } = scope;
  const before = Date.now() - dayMs;
  const [due] = await batch(db, "read", [
    db
      .select({ id: tenants.id })
      .from(tenants)
      .where(
        and(
          inArray(tenants.status, ["active", "suspended"]),
          isNotNull(tenants.sealedToken),
          lt(tenants.createdAt, before),
          or(isNull(tenants.lastBackupAt), lt(tenants.lastBackupAt, before)),
          sql`not ${isUnderWay(sql`${tenants.id}`, ["backup"])}`,
        ),
      )
      .orderBy(asc(tenants.lastBackupAt), asc(tenants.id))
      .limit(mostBegun),
  ] as const);
  for (const { id: tenantId } of due)
    await beginBackup(scope, { tenantId, kind: "scheduled", by: clock }).then(
      () => done.begun++,
      (error) => {
        // Somebody else has begun it.
        if (error instanceof ApiError && error.code === "conflict") return;
        done.failed++;
        scope.failed(tenantId, error);
      },
    );
  return done;
}

/** What is past its time goes: its objects first, as nobody would find them without the row. */
export async function forgetBackups(scope: JobScope) {
  const done = { deleted: 0, failed: 0 };
  const { db, store } = scope;
  if (!store) return done;
  const [expired] = await batch(db, "read", [
    db
      .select({ id: backups.id, tenantId: backups.tenantId, prefix: backups.prefix })
      .from(backups)
      .where(
        and(
          lte(backups.expiresAt, Date.now()),
          sql`not ${isUnderWay(sql`${backups.tenantId}`, ["backup", "restore"])}`,
        ),
      )
      .orderBy(asc(backups.expiresAt))
      .limit(mostForgotten),
  ] as const);
  for (const { id, tenantId, prefix } of expired)
    try {
      await store.deleteAll(prefix);
      await commit(scope, [write(db.delete(backups).where(eq(backups.id, id)))]);
      done.deleted++;
    } catch (error) {
      done.failed++;
      scope.failed(tenantId, error);
    }
  return done;
}
