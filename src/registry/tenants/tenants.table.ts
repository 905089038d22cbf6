import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { instant, version } from "../../db/columns.ts";

export const tenantStatuses = [
  "provisioning",
  "active",
  "suspended",
  /** Its owner had it deleted: readable until `deleteAfter`, then purged. */
  "deleting",
  /** Its database is no more. The row keeps the slug from ever being somebody else's. */
  "deleted",
  /** A sign-up that was given up. */
  "abandoned",
] as const;

/** What the platform lets through to a database. */
export const databaseAccess = ["open", "readOnly", "closed"] as const;
export type DatabaseAccess = (typeof databaseAccess)[number];
export const healthStatuses = ["healthy", "unhealthy"] as const;

/** Where each tenant's database is and how to open it. Who may enter is the tenant's own business. */
export const tenants = sqliteTable(
  "tenants",
  {
    id: text().primaryKey(),
    slug: text().notNull(),
    name: text().notNull(),
    status: text({ enum: tenantStatuses }).notNull(),
    plan: text().notNull().default("basic"),
    region: text(),
    databaseName: text().notNull(),
    /** What the platform answered; null where the platform has one address for all. */
    databaseHost: text(),
    /** JWE that only this tenant's id opens; null until provisioned. */
    sealedToken: text(),
    /** The key of the ring it is sealed with; null where that was not written down yet. */
    sealedWith: text(),
    tokenExpiresAt: instant(),
    schemaVersion: integer().notNull().default(0),
    /** The lowest schema version of code that may still serve this database. */
    oldestCode: integer().notNull().default(0),
    /** Whoever migrates it holds it; past this moment anyone may. */
    migrationLeaseUntil: instant().notNull().default(0),
    migrationError: text(),
    /** Set while the last try stands failed: no request and no run under way tries again by itself. */
    migrationFailedAt: instant(),
    /** Which applied migration is not the one we know. Never mended by itself. */
    schemaDrift: text(),
    features: text({ mode: "json" }).$type<Record<string, unknown>>().notNull().default(sql`'{}'`),
    limits: text({ mode: "json" }).$type<Record<string, number>>().notNull().default(sql`'{}'`),
    /** The organisation at the identity provider whose tokens name this tenant. */
    organizationId: text(),
    metadata: text({ mode: "json" }).$type<Record<string, unknown>>().notNull().default(sql`'{}'`),
    /** Why it is suspended or being deleted. */
    statusReason: text(),
    /** When it became what `status` says, where that is not `active`. */
    statusSince: instant(),
    deleteAfter: instant(),
    databaseAccess: text({ enum: databaseAccess }).notNull().default("open"),
    /** Why nobody deletes it, whatever its owner asks for. */
    legalHold: text(),
    healthStatus: text({ enum: healthStatuses }),
    healthError: text(),
    healthCheckedAt: instant(),
    latencyMs: integer(),
    lastBackupAt: instant(),
    version: version(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (t) => [
    uniqueIndex("tenants_slug").on(t.slug),
    uniqueIndex("tenants_database").on(t.databaseName),
    uniqueIndex("tenants_organization").on(t.organizationId),
    index("tenants_created").on(t.createdAt, t.id),
    index("tenants_name").on(t.name, t.id),
    index("tenants_behind").on(t.schemaVersion, t.id),
    index("tenants_migration_failed").on(t.migrationFailedAt, t.id),
    index("tenants_sealed_with").on(t.sealedWith),
    index("tenants_token_expires").on(t.tokenExpiresAt),
  ],
);
