import { index, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { instant } from "../../db/columns.ts";

export const findingKinds = [
  /** Written down as a tenant's, and the platform has no such database. */
  "database_missing",
  /** At the platform under a name of ours, and nobody wrote it down. */
  "database_unknown",
  /** Made for work that is over, and nobody's. */
  "database_abandoned",
  /** Replaced, and past the time it was to be kept. */
  "database_outlived",
  /** A tenant's row leads to a database that is not written down as the tenant's present one. */
  "pointer_astray",
  /** Long work that gets nowhere. */
  "operation_stuck",
] as const;
export type FindingKind = (typeof findingKinds)[number];

/** What does not add up between registry and platform, for as long as it does not. */
export const findings = sqliteTable(
  "findings",
  {
    id: text().primaryKey(),
    kind: text({ enum: findingKinds }).notNull(),
    /** The name of a database, or the id of a tenant or an operation. */
    subject: text().notNull(),
    /** Without a foreign key: it may be of a tenant nobody knows. */
    tenantId: text(),
    detail: text().notNull(),
    firstSeenAt: instant().notNull(),
    lastSeenAt: instant().notNull(),
    /** Since when what it is about is kept from everybody, before it is destroyed. */
    quarantinedAt: instant(),
  },
  (t) => [
    uniqueIndex("findings_subject").on(t.kind, t.subject),
    index("findings_first_seen").on(t.firstSeenAt, t.id),
    index("findings_kind").on(t.kind, t.firstSeenAt, t.id),
    index("findings_tenant").on(t.tenantId, t.firstSeenAt, t.id),
  ],
);

/** What is done now and then, and by one at a time. */
export const chores = sqliteTable("chores", {
  name: text().primaryKey(),
  startedAt: instant().notNull(),
});
