import { randomUUID } from "node:crypto";
import { newId } from "../core/id.ts";
import { systemRequest } from "../core/request.ts";
import { batch } from "../db/batch.ts";
import { migrate } from "../db/migrate.ts";
import { registryMigrations, tenantMigrations } from "../db/migrations.gen.ts";
import { parseSettings, type Settings } from "../env.ts";
import { databaseNameOf } from "../platform/platform.ts";
import { fleetOf, platformOf } from "../ports.backends.ts";
import { type Bounds, driveRun } from "../registry/migrations/fleet.service.ts";
import { NewMigration } from "../registry/migrations/migrations.schema.ts";
import { getRun, listFailures } from "../registry/migrations/runs.service.ts";
import { startRun } from "../registry/migrations/start.service.ts";
import type { FleetScope } from "../registry/scope.ts";
import { tenants } from "../registry/tenants/tenants.table.ts";
import { sealToken } from "../registry/tenants/token-vault.ts";
import { openRegistry, openTenant, testBudget } from "./databases.ts";
import type { OwnSqld } from "./own-sqld.ts";

/** Of the first release. */
export const firstVersion = 2;
const atOnce = 8;

/** A registry of one's own on a server of one's own, without tenants. */
export async function newRegistry({
  variables,
  settings,
}: Pick<OwnSqld, "variables" | "settings">) {
  const name = `registry-${randomUUID()}`;
  const platform = platformOf(settings, fetch);
  await platform.ensureDatabase({ name });
  const { token } = await platform.mintToken(name);
  const own: Record<string, string> = {
    ...variables,
    GLOBAL_DATABASE_NAMESPACE: name,
    GLOBAL_AUTH_TOKEN: token.reveal(),
  };
  const ownSettings = parseSettings(own);
  const db = openRegistry(ownSettings);
  await migrate(db, registryMigrations);
  return { variables: own, settings: ownSettings, db };
}
export type OwnRegistry = Awaited<ReturnType<typeof newRegistry>>;

/** Tenants whose databases are those of the first release: a fleet before a deployment. Their ids, oldest first. */
export async function newFleet({ settings }: Pick<OwnRegistry, "settings">, size: number) {
  const now = Date.now() - size;
  const ids = Array.from({ length: size }, (_, i) => newId("tenant", now + i));
  const queue = ids.entries();
  const make = async () => {
    for (const [i, id] of queue) await newOldTenant(settings, id, now + i);
  };
  await Promise.all(Array.from({ length: atOnce }, make));
  return ids;
}

async function newOldTenant(settings: Settings, id: string, createdAt: number): Promise<void> {
  const platform = platformOf(settings, fetch);
  const databaseName = databaseNameOf(id);
  await platform.ensureDatabase({ name: databaseName });
  await migrate(await openTenant(settings, id), tenantMigrations.slice(0, firstVersion));
  const { token } = await platform.mintToken(databaseName);
  const row = {
    id,
    slug: slugOf(id),
    name: "Fleet",
    status: "active" as const,
    databaseName,
    sealedToken: await sealToken(settings.ENCRYPTION_KEY, id, token),
    schemaVersion: firstVersion,
    createdAt,
    updatedAt: createdAt,
  };
  const db = openRegistry(settings);
  await batch(db, "write", [db.insert(tenants).values(row)] as const);
}

export const slugOf = (id: string): string => `f-${id.slice(-22)}`;

/** What drives a fleet, and whom it opened a database of, in order. */
export function newDriver(
  { settings }: Pick<OwnRegistry, "settings">,
  migrationLeaseMs = 20_000,
): FleetScope & { readonly opened: string[] } {
  const budget = testBudget();
  const opened: string[] = [];
  const fleet = fleetOf(settings, platformOf(settings, fetch), budget);
  return {
    db: openRegistry(settings, budget),
    actor: { type: "system", id: "test" },
    request: systemRequest("test"),
    ...fleet,
    migrationLeaseMs,
    opened,
    openForMigration: (address, id, ms) => {
      opened.push(id);
      return fleet.openForMigration(address, id, ms);
    },
  };
}

type Input = Parameters<typeof NewMigration.parse>[0];
export const start = (scope: FleetScope, input: Input = {}) =>
  startRun(scope, NewMigration.parse(input), { issuer: null, subject: "test" });

/** Drives a run as far as it goes, and returns where it is then. */
export async function driven(scope: FleetScope, id: string, bounds?: Bounds) {
  await driveRun(scope, id, bounds);
  return await getRun(scope, id);
}

const all = { page: 1, limit: 100, sortBy: "at", sortOrder: "asc" } as const;

/** The errors of a run, by tenant. */
export async function failuresIn(scope: FleetScope, id: string): Promise<Record<string, string>> {
  const { data } = await listFailures(scope, id, all);
  return Object.fromEntries(data.map(({ tenantId, error }) => [tenantId, error]));
}
