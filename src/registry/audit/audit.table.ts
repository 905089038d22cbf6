import { auditContextTable, auditLogsTable } from "../../db/audit.columns.ts";

export const auditLogs = auditLogsTable();
export const auditContext = auditContextTable();
