import { sql } from "drizzle-orm";
import { index, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { accountRoles, tenantRoles } from "../../core/roles.ts";
import { instant } from "../../db/columns.ts";
import { accounts } from "../accounts/accounts.table.ts";
import { users } from "../users/users.table.ts";

/** One that is past its time is expired whether or not that was written down. */
export const invitationStates = ["pending", "accepted", "revoked", "expired"] as const;

/**
 * In the tenant's own database, so that the right to invite, the invitation and its acceptance are each
 * proved and written in one batch. The link itself is never stored.
 */
export const invitations = sqliteTable(
  "invitations",
  {
    id: text().primaryKey(),
    email: text().notNull(),
    name: text(),
    tenantRole: text({ enum: tenantRoles }).notNull(),
    accountId: text().references(() => accounts.id, { onDelete: "cascade" }),
    accountRole: text({ enum: accountRoles }),
    /** The user it was made for; null where accepting it makes one. */
    userId: text().references(() => users.id, { onDelete: "cascade" }),
    /**
     * Who answers for it: it is worth no more than they may still grant. Null where the platform does: for
     * the first owner of a tenant that was set up on their behalf.
     */
    inviterId: text().references(() => users.id, { onDelete: "cascade" }),
    /** SHA-256 of the token in the link; another one each time the link is issued. */
    tokenHash: text().notNull(),
    issuedAt: instant().notNull(),
    state: text({ enum: invitationStates }).notNull(),
    expiresAt: instant().notNull(),
    /** When the mail with this link was handed over; null until then. */
    sentAt: instant(),
    acceptedAt: instant(),
    acceptedBy: text(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
    createdBy: text(),
    updatedBy: text(),
  },
  (t) => [
    uniqueIndex("invitations_token").on(t.tokenHash),
    uniqueIndex("invitations_pending").on(t.email).where(sql`state = 'pending'`),
    index("invitations_created").on(t.createdAt, t.id),
    index("invitations_account").on(t.accountId),
    index("invitations_user").on(t.userId),
    index("invitations_email").on(t.email),
    index("invitations_accepter").on(t.acceptedBy),
    index("invitations_inviter").on(t.inviterId),
    index("invitations_unsent").on(t.createdAt).where(sql`state = 'pending' and sent_at is null`),
  ],
);
