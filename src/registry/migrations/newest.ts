import { oldestCodeOf } from "../../db/migrate.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";

/** What the registry has of a tenant whose database went through all migrations of this release. */
export const newestSchema = {
  schemaVersion: tenantMigrations.length,
  oldestCode: oldestCodeOf(tenantMigrations),
} as const;
