import { newId } from "../core/id.ts";
import { systemRequest } from "../core/request.ts";
import { batch } from "../db/batch.ts";
import { migrate } from "../db/migrate.ts";
import { tenantMigrations } from "../db/migrations.gen.ts";
import type { Settings } from "../env.ts";
import { databaseNameOf } from "../platform/platform.ts";
import { fleetOf, platformOf } from "../ports.backends.ts";
import type { FleetScope } from "../registry/scope.ts";
import { tenants } from "../registry/tenants/tenants.table.ts";
import { sealToken } from "../registry/tenants/token-vault.ts";
import { openRegistry, openTenant, testBudget } from "./databases.ts";

/** What drives a fleet, with a lease short enough to wait for. */
export function newFleetScope(settings: Settings, migrationLeaseMs = 20_000): FleetScope {
  const budget = testBudget();
  return {
    db: openRegistry(settings, budget),
    actor: { type: "system", id: "test" },
    request: systemRequest("test"),
    ...fleetOf(settings, platformOf(settings, fetch), budget),
    migrationLeaseMs,
  };
}

const atOnce = 8;

/** Tenants whose databases are at an older schema, past the sign-up: a fleet before a release. Their ids, oldest first. */
export async function newFleet(
  settings: Settings,
  size: number,
  version = tenantMigrations.length - 1,
): Promise<string[]> {
  const now = Date.now() - size;
  const ids = Array.from({ length: size }, (_, i) => newId("tenant", now + i));
  const platform = platformOf(settings, fetch);
  const queue = ids.entries();
  const make = async () => {
    for (const [i, id] of queue) {
      const name = databaseNameOf(id);
      await platform.ensureDatabase(name);
      await migrate(await openTenant(settings, id), tenantMigrations.slice(0, version));
      const { token } = await platform.mintToken(name);
      const sealedToken = await sealToken(settings.ENCRYPTION_KEY, id, token);
      await register(settings, { id, sealedToken, schemaVersion: version, createdAt: now + i });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, make));
  return ids;
}

type Made = { id: string; sealedToken: string; schemaVersion: number; createdAt: number };

async function register(settings: Settings, { id, createdAt, ...row }: Made): Promise<void> {
  const db = openRegistry(settings);
  const named = { slug: `f-${id.slice(-22)}`, name: "Fleet", databaseName: databaseNameOf(id) };
  const values = {
    id,
    ...named,
    ...row,
    createdAt,
    updatedAt: createdAt,
    status: "active" as const,
  };
  await batch(db, "write", [db.insert(tenants).values(values)] as const);
}
