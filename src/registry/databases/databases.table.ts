import { index, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { instant } from "../../db/columns.ts";
import { tenants } from "../tenants/tenants.table.ts";

/** `former` was replaced and is kept for a while; `doomed` is destroyed, and once more when its time has come. */
export const databaseStates = ["made", "current", "former", "doomed", "gone"] as const;

/**
 * Every database ever asked of the platform, written down before it is made: so none is ever there
 * that nobody knows of. Which one is the tenant's now is said by the tenant's own row.
 */
export const databases = sqliteTable(
  "databases",
  {
    name: text().primaryKey(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id, { onDelete: "cascade" }),
    /** What it was made by; null for those from before this was written down. */
    operationId: text(),
    state: text({ enum: databaseStates }).notNull(),
    host: text(),
    /** A former one is destroyed after this moment. */
    keepUntil: instant(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    index("databases_tenant").on(t.tenantId),
    index("databases_state").on(t.state, t.keepUntil),
  ],
);
