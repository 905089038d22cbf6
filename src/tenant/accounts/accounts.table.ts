import { isNull, sql } from "drizzle-orm";
import {
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import { accountRoles } from "../../core/roles.ts";
import { instant, softDelete, stamps, version } from "../../db/columns.ts";
import { users } from "../users/users.table.ts";

export const accounts = sqliteTable(
  "accounts",
  {
    id: text().primaryKey(),
    name: text().notNull(),
    description: text(),
    domain: text(),
    settings: text({ mode: "json" }).$type<Record<string, unknown>>().notNull().default(sql`'{}'`),
    active: integer({ mode: "boolean" }).notNull().default(true),
    version: version(),
    ...stamps(),
    ...softDelete(),
  },
  (t) => [
    uniqueIndex("accounts_name").on(t.name).where(isNull(t.deletedAt)),
    uniqueIndex("accounts_domain").on(t.domain).where(isNull(t.deletedAt)),
    index("accounts_created").on(t.createdAt, t.id),
    index("accounts_by_name").on(t.name, t.id),
  ],
);

export const accountMembers = sqliteTable(
  "account_members",
  {
    accountId: text()
      .notNull()
      .references(() => accounts.id, { onDelete: "cascade" }),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    role: text({ enum: accountRoles }).notNull(),
    createdAt: instant().notNull(),
    version: version(),
  },
  (t) => [
    primaryKey({ columns: [t.accountId, t.userId] }),
    index("account_members_user").on(t.userId),
    index("account_members_created").on(t.accountId, t.createdAt, t.userId),
  ],
);
