import { index, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { instant } from "../../db/columns.ts";

export const grantModes = ["read", "write"] as const;

/** What lets a platform admin into this tenant: for a reason, for a while, and in its own log. */
export const accessGrants = sqliteTable(
  "access_grants",
  {
    id: text().primaryKey(),
    issuer: text().notNull(),
    subject: text().notNull(),
    /** As the provider had it when the grant was taken. */
    email: text(),
    reason: text().notNull(),
    mode: text({ enum: grantModes }).notNull(),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
    endedAt: instant(),
    endedBy: text(),
  },
  (t) => [
    index("access_grants_operator").on(t.issuer, t.subject, t.expiresAt),
    index("access_grants_created").on(t.createdAt, t.id),
  ],
);
