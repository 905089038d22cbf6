import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { instant } from "../../db/columns.ts";

/** A platform admin needs an active row here besides the claim in the token. */
export const platformAdmins = sqliteTable(
  "platform_admins",
  {
    issuer: text().notNull(),
    subject: text().notNull(),
    active: integer({ mode: "boolean" }).notNull(),
    createdAt: instant().notNull(),
  },
  (t) => [primaryKey({ columns: [t.issuer, t.subject] })],
);
