import { index, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { Permission } from "../../core/permissions.ts";
import { instant } from "../../db/columns.ts";
import { accounts } from "../accounts/accounts.table.ts";
import { users } from "../users/users.table.ts";

/** A key acts for its owner, and never beyond what the owner may do at that moment. */
export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: text().primaryKey(),
    name: text().notNull(),
    /** The beginning of its text, for people to tell keys apart. */
    hint: text().notNull(),
    /** SHA-256 of its text. */
    hash: text().notNull(),
    scopes: text({ mode: "json" }).$type<Permission[]>().notNull(),
    ownerId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    /** The one account it works in; null for the whole tenant. */
    accountId: text().references(() => accounts.id, { onDelete: "cascade" }),
    /** The key that took its place, while both are good. */
    replacedBy: text(),
    createdAt: instant().notNull(),
    createdBy: text(),
    expiresAt: instant(),
    lastUsedAt: instant(),
    lastUsedIp: text(),
    revokedAt: instant(),
    revokedBy: text(),
  },
  (t) => [
    uniqueIndex("api_keys_hash").on(t.hash),
    index("api_keys_created").on(t.createdAt, t.id),
    index("api_keys_owner").on(t.ownerId),
    index("api_keys_account").on(t.accountId),
  ],
);
