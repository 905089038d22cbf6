import { index, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { instant } from "../../db/columns.ts";

/**
 * Databases made ahead, each under the name of a tenant who is yet to come: whoever signs up takes an id
 * from here, and finds its database there. Written down before they are made, as all are.
 */
export const warmDatabases = sqliteTable(
  "warm_databases",
  {
    tenantId: text().primaryKey(),
    name: text().notNull(),
    state: text({ enum: ["made", "ready"] }).notNull(),
    createdAt: instant().notNull(),
  },
  (t) => [index("warm_databases_state").on(t.state, t.createdAt)],
);
