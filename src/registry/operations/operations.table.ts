import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { instant } from "../../db/columns.ts";
import { tenants } from "../tenants/tenants.table.ts";

export const operationKinds = [
  "provision",
  "provision_for_owner",
  "purge",
  "rotate",
  "backup",
  "restore",
  "rewind",
  "revert",
  "move",
  "import",
] as const;
export type OperationKind = (typeof operationKinds)[number];
export const operationStatuses = ["pending", "running", "succeeded", "failed"] as const;
export const stepStatuses = ["pending", "succeeded", "failed"] as const;

/** Long work and how far it got. The row is the truth; what drives it is replaceable. */
export const operations = sqliteTable(
  "operations",
  {
    id: text().primaryKey(),
    kind: text({ enum: operationKinds }).notNull(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id, { onDelete: "cascade" }),
    /** Who asked for it and may look at it. */
    issuer: text().notNull(),
    subject: text().notNull(),
    status: text({ enum: operationStatuses }).notNull(),
    /** It was given up, and what it did is being undone. */
    undoing: integer({ mode: "boolean" }).notNull().default(false),
    input: text({ mode: "json" }).$type<Record<string, unknown>>().notNull(),
    /** What its steps found out. */
    output: text({ mode: "json" }).$type<Record<string, unknown>>().notNull().default(sql`'{}'`),
    /** How often somebody took it up. Tells drivers apart: only the last one may write. */
    attempts: integer().notNull().default(0),
    /** How often in a row it failed. */
    failures: integer().notNull().default(0),
    error: text(),
    /** Held by whoever drives it; past this moment anyone may take over. */
    leaseUntil: instant().notNull().default(0),
    /** Not taken up by itself before this moment. */
    retryAt: instant().notNull().default(0),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
    finishedAt: instant(),
  },
  (t) => [
    index("operations_tenant").on(t.tenantId, t.createdAt, t.id),
    index("operations_status").on(t.status, t.leaseUntil),
    index("operations_created").on(t.createdAt, t.id),
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
    /** Of undoing what was given up. */
    undoes: integer({ mode: "boolean" }).notNull().default(false),
    status: text({ enum: stepStatuses }).notNull(),
    attempts: integer().notNull().default(0),
    progress: text(),
    error: text(),
    finishedAt: instant(),
  },
  (t) => [primaryKey({ columns: [t.operationId, t.position] })],
);
