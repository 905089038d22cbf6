import { index, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { instant } from "../../db/columns.ts";
import { users } from "../users/users.table.ts";

/** Where a user is signed in. A row that is revoked stays: it is what keeps the session out. */
export const userSessions = sqliteTable(
  "user_sessions",
  {
    id: text().primaryKey(),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    /** What the token says of its session: see `sessionOf`. */
    sid: text().notNull(),
    firstSeenAt: instant().notNull(),
    lastSeenAt: instant().notNull(),
    ip: text(),
    userAgent: text(),
    revokedAt: instant(),
    revokedBy: text(),
  },
  (t) => [
    uniqueIndex("user_sessions_sid").on(t.userId, t.sid),
    index("user_sessions_user").on(t.userId, t.lastSeenAt, t.id),
    index("user_sessions_seen").on(t.lastSeenAt),
  ],
);
