import { sql } from "drizzle-orm";
import { check, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { instant, version } from "../../db/columns.ts";

/** What a tenant decides for itself: one row, validated JSON. */
export const settings = sqliteTable(
  "settings",
  {
    id: integer().primaryKey(),
    value: text({ mode: "json" }).$type<Record<string, unknown>>().notNull(),
    version: version(),
    updatedAt: instant().notNull(),
    updatedBy: text(),
  },
  (t) => [check("settings_one_row", sql`${t.id} = 1`)],
);
