import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { auditContextTable, auditLogsTable } from "../../db/audit.columns.ts";
import { instant } from "../../db/columns.ts";
import { tenants } from "../tenants/tenants.table.ts";

export const auditLogs = auditLogsTable();
export const auditContext = auditContextTable();

/**
 * Where the chain over each tenant's log ended when it was last sealed. Kept here, out of reach of
 * whoever can write to the tenant's database: a log cut short is found out.
 */
export const auditHeads = sqliteTable(
  "audit_heads",
  {
    tenantId: text()
      .primaryKey()
      .references(() => tenants.id, { onDelete: "cascade" }),
    /** The last sealed row; 0 before the first. */
    sequence: integer().notNull().default(0),
    /** Sealed rows in all. */
    links: integer().notNull().default(0),
    mac: text().notNull().default(""),
    sealedAt: instant().notNull().default(0),
  },
  (t) => [index("audit_heads_sealed").on(t.sealedAt)],
);
