import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { instant } from "../../db/columns.ts";
import { tenants } from "../tenants/tenants.table.ts";

export const operationStatuses = ["pending", "running", "succeeded", "failed"] as const;
export const stepStatuses = ["pending", "succeeded", "failed"] as const;

/** Long work and how far it got. The row is the truth; what drives it is replaceable. */
export const operations = sqliteTable(
  "operations",
  {
    id: text().primaryKey(),
    kind: text({ enum: ["provision"] }).notNull(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id, { onDelete: "cascade" }),
    /** Who asked for it and may look at it. */
    issuer: text().notNull(),
    subject: text().notNull(),
    status: text({ enum: operationStatuses }).notNull(),
    input: text({ mode: "json" }).$type<Record<string, unknown>>().notNull(),
    attempts: integer().notNull().default(0),
    error: text(),
    /** Held by whoever drives it; past this moment anyone may take over. */
    leaseUntil: instant().notNull().default(0),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
    finishedAt: instant(),
  },
  (t) => [
    index("operations_tenant").on(t.tenantId),
    index("operations_status").on(t.status, t.leaseUntil),
  ],
);

export const operationSteps = sqliteTable(
  "operation_steps",
  {
    operationId: text()
      .notNull()
      .references(() => operations.id, { onDelete: "cascade" }),
    position: integer().notNull(),
    name: text().notNull(),
    status: text({ enum: stepStatuses }).notNull(),
    attempts: integer().notNull().default(0),
    error: text(),
    finishedAt: instant(),
  },
  (t) => [primaryKey({ columns: [t.operationId, t.position] })],
);
