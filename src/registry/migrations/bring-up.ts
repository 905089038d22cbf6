import { and, eq, inArray, lt, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import type { RegistryDb } from "../../db/connect.ts";
import { isMisfit } from "../../db/faults.ts";
import { MigrationRefused, migrate, oldestCodeOf, SchemaDrift } from "../../db/migrate.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { type Write, write } from "../../db/write.ts";
import type { FleetScope } from "../scope.ts";
import { addressOf } from "../tenants/locate.service.ts";
import { rulesOf } from "../tenants/suspension.service.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { type Behind, target } from "./behind.ts";

/** What became of one tenant. `left` was not tried: the time was up. */
export type Outcome = { readonly id: string } & (
  | { readonly is: "migrated" }
  | { readonly is: "left" }
  | { readonly is: "failed"; readonly error: string; readonly drift: string | null }
);

/** Brings one database to the newest schema, in one request where it is what the registry believes. */
export async function bringUp(scope: FleetScope, tenant: Behind, ms: number): Promise<Outcome> {
  const { id, schemaVersion } = tenant;
  try {
    const address = await addressOf(tenant, scope.platform, scope.keyRing);
    const db = scope.openForMigration(address, id, ms);
    await unblocked(scope, tenant, () => migrate(db, tenantMigrations, schemaVersion));
    return { id, is: "migrated" };
  } catch (error) {
    const drift = error instanceof SchemaDrift ? error.message : null;
    return { id, is: "failed", error: describe(error), drift };
  }
}

/** A tenant that is suspended or being deleted takes no writes but ours, for as long as this takes. */
async function unblocked(
  scope: FleetScope,
  { id, databaseName, databaseAccess }: Behind,
  work: () => Promise<unknown>,
): Promise<void> {
  const { platform } = scope;
  if (databaseAccess !== "open") await platform.configure?.(databaseName, rulesOf.open);
  try {
    await work();
  } finally {
    if (databaseAccess !== "open") await closeAgain(scope, id, databaseName);
  }
}

/** As the tenant is by now, which may have changed meanwhile. */
async function closeAgain({ db, platform }: FleetScope, id: string, name: string): Promise<void> {
  const access = async () => {
    const [[row]] = await batch(db, "read", [
      db.select({ access: tenants.databaseAccess }).from(tenants).where(eq(tenants.id, id)),
    ] as const);
    return row?.access ?? "open";
  };
  for (
    let now = await access(), applied: typeof now | undefined;
    applied !== now;
    now = await access()
  ) {
    applied = now;
    await platform.configure?.(name, rulesOf[now]);
  }
}

/** Our own words only, never a server's. */
function describe(error: unknown): string {
  if (error instanceof ApiError) return `${error.code}: ${error.message}`;
  if (error instanceof SchemaDrift) return `schema_drift: ${error.message}`;
  if (error instanceof MigrationRefused) return `migration_refused: ${reasonOf(error)}`;
  if (isMisfit(error)) return "migration_refused: The database lacks what it should have";
  return "internal_error";
}

const reasonOf = (error: MigrationRefused) =>
  `${error.message}: ${isMisfit(error.cause) ? "a table or column is missing" : "rows break a constraint"}`;

const idsOf = (outcomes: readonly Outcome[], is: Outcome["is"]) =>
  outcomes.filter((outcome) => outcome.is === is).map(({ id }) => id);

export const migratedOf = (outcomes: readonly Outcome[]) => idsOf(outcomes, "migrated");
export const failuresOf = (outcomes: readonly Outcome[]) =>
  outcomes.filter((outcome) => outcome.is === "failed");

/** Writes down what became of tenants; true whoever else is at work on them. */
export function recordsOf(db: RegistryDb, outcomes: readonly Outcome[], lease: number): Write[] {
  const free = { migrationLeaseUntil: 0 };
  const [migrated, left] = [migratedOf(outcomes), idsOf(outcomes, "left")];
  const done = db.update(tenants).set({
    ...free,
    schemaVersion: sql`max(${tenants.schemaVersion}, ${target})`,
    oldestCode: sql`max(${tenants.oldestCode}, ${oldestCodeOf(tenantMigrations)})`,
    migrationError: null,
    migrationFailedAt: null,
    schemaDrift: null,
  });
  const mine = and(inArray(tenants.id, left), eq(tenants.migrationLeaseUntil, lease));
  return [
    ...(migrated.length > 0 ? [write(done.where(inArray(tenants.id, migrated)))] : []),
    ...(left.length > 0 ? [write(db.update(tenants).set(free).where(mine))] : []),
    ...failuresOf(outcomes).map(({ id, error, drift }) =>
      write(
        db
          .update(tenants)
          .set({
            ...free,
            migrationError: error,
            migrationFailedAt: Date.now(),
            schemaDrift: drift,
          })
          .where(and(eq(tenants.id, id), lt(tenants.schemaVersion, target))),
      ),
    ),
  ];
}
