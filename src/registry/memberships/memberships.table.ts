import { index, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { accountRoles, tenantRoles } from "../../core/roles.ts";
import { instant } from "../../db/columns.ts";
import { tenants } from "../tenants/tenants.table.ts";

export const membershipStatuses = ["waiting", "active"] as const;

/**
 * An index for "my tenants", rebuildable from the tenants' own databases, and never asked who may
 * enter one. A row that is `waiting` lets its person in once: the user is created on the first call.
 */
export const memberships = sqliteTable(
  "tenant_users",
  {
    issuer: text().notNull(),
    subject: text().notNull(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id, { onDelete: "cascade" }),
    role: text({ enum: tenantRoles }).notNull(),
    /** The role in the tenant's default account, given when a waiting person arrives. */
    accountRole: text({ enum: accountRoles }),
    status: text({ enum: membershipStatuses }).notNull(),
    createdAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.issuer, t.subject, t.tenantId] }),
    index("tenant_users_tenant").on(t.tenantId),
  ],
);
