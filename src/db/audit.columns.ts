import { sql } from "drizzle-orm";
import { check, index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { instant } from "./columns.ts";

export const actorTypes = ["user", "key", "operator", "system"] as const;
/** Changes of rows; a platform admin's look at them; and a refusal. */
export const auditActions = ["INSERT", "UPDATE", "DELETE", "READ", "DENY"] as const;

const actor = () => ({
  transactionId: text(),
  requestId: text(),
  actorType: text({ enum: actorTypes }),
  accountId: text(),
  ip: text(),
  userAgent: text(),
  /** Why a platform admin was let in, or a caller refused. */
  reason: text(),
});

/**
 * Written by triggers only, never changed, and without foreign keys: history outlives what it
 * describes. Both kinds of database have one.
 */
export const auditLogsTable = () =>
  sqliteTable(
    "audit_logs",
    {
      sequence: integer().primaryKey({ autoIncrement: true }),
      ...actor(),
      actorType: text({ enum: actorTypes }).notNull(),
      actorId: text().notNull(),
      entity: text().notNull(),
      entityId: text().notNull(),
      action: text({ enum: auditActions }).notNull(),
      changes: text({ mode: "json" })
        .$type<Record<string, { old: unknown; new: unknown }>>()
        .notNull(),
      at: instant().notNull(),
    },
    (t) => [
      index("audit_logs_at").on(t.at),
      index("audit_logs_entity").on(t.entity, t.at),
      index("audit_logs_entity_id").on(t.entityId, t.entity, t.at),
      index("audit_logs_actor").on(t.actorId, t.at),
      index("audit_logs_request").on(t.requestId, t.at),
    ],
  );

/**
 * One row while a transaction writes, none otherwise: the actor the triggers write down.
 * `actorId` refuses null, which is how a denied guard or a failed precondition aborts the batch.
 * `tenantRole` and `role` are the caller's rights as proved by the guard, for statements that ask.
 */
export const auditContextTable = () =>
  sqliteTable(
    "audit_context",
    {
      id: integer().primaryKey(),
      ...actor(),
      actorId: text().notNull(),
      tenantRole: text(),
      role: text(),
    },
    (t) => [check("audit_context_one_row", sql`${t.id} = 1`)],
  );
