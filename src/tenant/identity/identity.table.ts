import { sql } from "drizzle-orm";
import { check, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { instant, version } from "../../db/columns.ts";

/** `purging`: its deletion can no longer be called off. */
export const stampStatuses = ["active", "suspended", "deleting", "purging"] as const;
export type StampStatus = (typeof stampStatuses)[number];

/**
 * The stamp, one row: whose database this is. Every statement that proves a principal reads it, so a
 * swapped address or a misplaced restore shows nothing, and a suspension holds on the next request.
 */
export const tenantIdentity = sqliteTable(
  "tenant_identity",
  {
    id: integer().primaryKey(),
    tenantId: text().notNull(),
    slug: text().notNull(),
    name: text().notNull(),
    status: text({ enum: stampStatuses }).notNull(),
    /** Why it is not active. */
    statusReason: text(),
    /** Being deleted, it may be read and brought back until then. */
    deleteAfter: instant(),
    defaultAccountId: text().notNull(),
    /** What the platform decided, kept here too: a registry that is lost is rebuilt from the stamps. */
    plan: text().notNull().default("basic"),
    organizationId: text(),
    /**
     * Since when nobody writes here: it is being copied, or another database took its place. Whoever
     * comes asks the registry where the tenant is now.
     */
    heldAt: instant(),
    version: version(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
    updatedBy: text(),
  },
  (t) => [check("tenant_identity_one_row", sql`${t.id} = 1`)],
);
