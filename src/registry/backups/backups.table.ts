import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { instant } from "../../db/columns.ts";
import { tenants } from "../tenants/tenants.table.ts";

export const backupKinds = ["scheduled", "manual"] as const;
export const backupStatuses = ["running", "ready", "failed"] as const;

/** What was kept of a tenant's database, and where. It is good for that tenant alone. */
export const backups = sqliteTable(
  "backups",
  {
    id: text().primaryKey(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id, { onDelete: "cascade" }),
    operationId: text().notNull(),
    kind: text({ enum: backupKinds }).notNull(),
    status: text({ enum: backupStatuses }).notNull(),
    /** What the keys of its objects begin with. */
    prefix: text().notNull(),
    /** Of its objects, packed. */
    bytes: integer(),
    rows: integer(),
    /** SHA-256 of the manifest, which holds the digests of all the rest. */
    checksum: text(),
    schemaVersion: integer(),
    /**
     * The sealed head of the tenant's log, as the registry had it before the copy was made: what a
     * restored log has to contain.
     */
    headSequence: integer().notNull(),
    headLinks: integer().notNull(),
    headMac: text().notNull(),
    /** Of which moment it is. */
    takenAt: instant(),
    expiresAt: instant().notNull(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    index("backups_tenant").on(t.tenantId, t.createdAt, t.id),
    index("backups_expiry").on(t.expiresAt),
    uniqueIndex("backups_operation").on(t.operationId),
  ],
);
