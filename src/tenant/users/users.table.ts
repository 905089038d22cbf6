import { isNull } from "drizzle-orm";
import { index, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { tenantRoles } from "../../core/roles.ts";
import { instant, softDelete, stamps, version } from "../../db/columns.ts";

export const userStatuses = ["pending", "active", "suspended"] as const;

export const users = sqliteTable(
  "users",
  {
    id: text().primaryKey(),
    email: text().notNull(),
    name: text().notNull(),
    profileImage: text(),
    status: text({ enum: userStatuses }).notNull(),
    tenantRole: text({ enum: tenantRoles }).notNull(),
    version: version(),
    ...stamps(),
    ...softDelete(),
    /** Tokens issued before this moment are good no more, whatever session they are of. */
    signedOutAt: instant(),
  },
  (t) => [
    uniqueIndex("users_email").on(t.email).where(isNull(t.deletedAt)),
    index("users_created").on(t.createdAt, t.id),
    index("users_updated").on(t.updatedAt, t.id),
    index("users_name").on(t.name, t.id),
    index("users_tenant_role").on(t.tenantRole, t.createdAt, t.id),
  ],
);

/** Who may sign in as whom. An e-mail address alone never leads to a user. */
export const userIdentities = sqliteTable(
  "user_identities",
  {
    id: text().notNull(),
    issuer: text().notNull(),
    subject: text().notNull(),
    userId: text()
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    /** The verified address it came with, for people to tell identities apart. */
    email: text(),
    createdAt: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.issuer, t.subject] }),
    uniqueIndex("user_identities_id").on(t.id),
    index("user_identities_user").on(t.userId),
  ],
);

/** What people say of themselves; there once they have said something. */
export const userProfiles = sqliteTable("user_profiles", {
  userId: text()
    .primaryKey()
    .references(() => users.id, { onDelete: "cascade" }),
  jobTitle: text(),
  department: text(),
  phone: text(),
  bio: text(),
  locale: text(),
  timeZone: text(),
  version: version(),
  updatedAt: instant().notNull(),
  updatedBy: text(),
});
