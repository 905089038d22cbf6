import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { auditContextTable, auditLogsTable } from "../../db/audit.columns.ts";

export const auditLogs = auditLogsTable();
export const auditContext = auditContextTable();

/** A link of the chain for each sealed row of the log: an HMAC over the link before it and the row. */
export const auditLinks = sqliteTable("audit_links", {
  sequence: integer().primaryKey(),
  mac: text().notNull(),
  /** Which key made it. */
  kid: text().notNull(),
});
