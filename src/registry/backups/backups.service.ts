import { and, count, eq } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { iso, isoOrNull } from "../../db/columns.ts";
import { pageOf } from "../../db/page.ts";
import type { Backup, BackupPage, BackupsQuery } from "../../tenant/backups/backups.schema.ts";
import type { RegistryScope } from "../scope.ts";
import { backups } from "./backups.table.ts";

/** Of one tenant, for whoever was let in. */
export async function listBackups(
  { db }: RegistryScope,
  tenantId: string,
  query: BackupsQuery,
): Promise<BackupPage> {
  const page = pageOf(query, {
    list: `backups ${tenantId}`,
    columns: { createdAt: backups.createdAt },
    id: backups.id,
  });
  const mine = eq(backups.tenantId, tenantId);
  const [rows, [counted]] = await batch(db, "read", [
    db
      .select()
      .from(backups)
      .where(and(mine, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(backups).where(mine),
  ] as const);
  return page.result(rows, counted?.total ?? 0, (row) => [row[query.sortBy], row.id], toWire);
}

/** Another tenant's answers like one that never was. */
export async function getBackup({ db }: RegistryScope, tenantId: string, id: string) {
  const [[row]] = await batch(db, "read", [
    db
      .select()
      .from(backups)
      .where(and(eq(backups.id, id), eq(backups.tenantId, tenantId))),
  ] as const);
  if (!row) throw new ApiError("not_found", "No such backup");
  return toWire(row);
}

const toWire = (row: typeof backups.$inferSelect): Backup => ({
  id: row.id,
  tenantId: row.tenantId,
  operationId: row.operationId,
  kind: row.kind,
  status: row.status,
  takenAt: isoOrNull(row.takenAt),
  bytes: row.bytes,
  rows: row.rows,
  checksum: row.checksum,
  schemaVersion: row.schemaVersion,
  expiresAt: iso(row.expiresAt),
  createdAt: iso(row.createdAt),
});
