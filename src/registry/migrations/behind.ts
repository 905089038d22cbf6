import { and, eq, inArray, isNotNull, lt, notExists, type SQL, sql } from "drizzle-orm";
import type { RegistryDb } from "../../db/connect.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import type { Located } from "../tenants/locate.service.ts";
import { type DatabaseAccess, tenants } from "../tenants/tenants.table.ts";
import { migrationFailures, type migrationRuns } from "./migrations.table.ts";

/** The schema version this code needs. */
export const target = tenantMigrations.length;

/** A tenant whose database is older than the code. */
export type Behind = Located & {
  readonly schemaVersion: number;
  readonly databaseAccess: DatabaseAccess;
};

export const behindColumns = {
  id: tenants.id,
  databaseName: tenants.databaseName,
  databaseHost: tenants.databaseHost,
  sealedToken: sql<string>`${tenants.sealedToken}`,
  schemaVersion: tenants.schemaVersion,
  databaseAccess: tenants.databaseAccess,
};

/** Those being set up are brought up to date by whoever sets them up. */
export const isBehind = (version: number, only: readonly string[] | null = null) =>
  and(
    lt(tenants.schemaVersion, version),
    inArray(tenants.status, ["active", "suspended", "deleting"]),
    isNotNull(tenants.sealedToken),
    only ? inArray(tenants.id, [...only]) : undefined,
  );

/** Oldest schema first, then oldest tenant; the order of an index. */
export const inOrder = [tenants.schemaVersion, tenants.id] as const;

type Run = typeof migrationRuns.$inferSelect;

/** Whom a run tries next: behind, past its cursor, and not failed in it before. */
export const nextOf = (db: RegistryDb, run: Run, most: number) =>
  db
    .select(behindColumns)
    .from(tenants)
    .where(and(isBehind(run.target, run.options.only), placeOf(run), notExists(failedIn(db, run))))
    .orderBy(...inOrder)
    .limit(most);

/** Canaries are few and have names; all others have a place. */
const placeOf = ({ wave, options, cursorVersion, cursorId }: Run): SQL =>
  wave === 0
    ? inArray(tenants.id, [...options.canaries])
    : sql`(${tenants.schemaVersion}, ${tenants.id}) > (${cursorVersion}, ${cursorId})`;

const failedIn = (db: RegistryDb, { id }: Run) =>
  db
    .select({ one: sql`1` })
    .from(migrationFailures)
    .where(and(eq(migrationFailures.runId, id), eq(migrationFailures.tenantId, tenants.id)));
