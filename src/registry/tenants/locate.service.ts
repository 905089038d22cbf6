import { eq } from "drizzle-orm";
import { isId } from "../../core/id.ts";
import type { KeyRing } from "../../core/key-ring.ts";
import { slugPattern } from "../../core/slug.ts";
import { batch } from "../../db/batch.ts";
import type { DatabaseAddress, RegistryDb, TenantDb } from "../../db/connect.ts";
import type { Platform } from "../../platform/platform.ts";
import type { WorkScope } from "../scope.ts";
import { tenants } from "./tenants.table.ts";
import { openToken } from "./token-vault.ts";

/** Where a tenant is. It says nothing of who may enter. */
export type TenantRoute = {
  readonly id: string;
  readonly slug: string;
  readonly address: DatabaseAddress;
  readonly features: Readonly<Record<string, unknown>>;
  readonly organizationId: string | null;
  readonly schema: SchemaState;
};

/** What the registry knows of the schema of a tenant's database. */
export type SchemaState = {
  readonly version: number;
  /** The lowest schema version of code that may still serve it. */
  readonly oldestCode: number;
  /** Somebody migrates it until then. */
  readonly leaseUntil: number;
  readonly failedAt: number | null;
  readonly drift: string | null;
};

/** Not one that is being set up, was destroyed or was given up. */
const there: readonly string[] = ["active", "suspended", "deleting"];

/** Looks a tenant up by what a signal names: an id, a slug, or `org:` and the provider's organisation. Undefined while it is being set up. */
export async function findRoute(
  db: RegistryDb,
  name: string,
  platform: Platform,
  ring: KeyRing,
): Promise<TenantRoute | undefined> {
  const named = whereNamed(name);
  if (!named) return undefined;
  const [[row]] = await batch(db, "read", [
    db
      .select({
        id: tenants.id,
        slug: tenants.slug,
        status: tenants.status,
        databaseName: tenants.databaseName,
        databaseHost: tenants.databaseHost,
        sealedToken: tenants.sealedToken,
        features: tenants.features,
        organizationId: tenants.organizationId,
        version: tenants.schemaVersion,
        oldestCode: tenants.oldestCode,
        leaseUntil: tenants.migrationLeaseUntil,
        failedAt: tenants.migrationFailedAt,
        drift: tenants.schemaDrift,
      })
      .from(tenants)
      .where(named),
  ] as const);
  if (!row?.sealedToken || !there.includes(row.status)) return undefined;
  const { id, slug, features, organizationId, sealedToken } = row;
  const address = await addressOf({ ...row, sealedToken }, platform, ring);
  const { version, oldestCode, leaseUntil, failedAt, drift } = row;
  const schema = { version, oldestCode, leaseUntil, failedAt, drift };
  return { id, slug, address, features, organizationId, schema };
}

/** What the registry's row says of a tenant's database, ready to be opened. */
export type Located = Pick<typeof tenants.$inferSelect, "id" | "databaseName" | "databaseHost"> & {
  readonly sealedToken: string;
};

export async function addressOf(
  { id, databaseName, databaseHost, sealedToken }: Located,
  platform: Pick<Platform, "locate">,
  ring: KeyRing,
): Promise<DatabaseAddress> {
  const token = await openToken(ring, id, sealedToken);
  return { ...platform.locate(databaseName, databaseHost), token };
}

function whereNamed(name: string) {
  if (isId("tenant", name)) return eq(tenants.id, name);
  if (name.startsWith("org:")) return eq(tenants.organizationId, name.slice("org:".length));
  return slugPattern.test(name) ? eq(tenants.slug, name) : undefined;
}

/** How long a step of a long job may be at a tenant's database. */
const stepMs = 30_000;

/** The tenant's database, for a long job. */
export async function openOf(
  { platform, keyRing, openTenant }: WorkScope,
  tenant: Pick<typeof tenants.$inferSelect, "id" | "databaseName" | "databaseHost" | "sealedToken">,
  ms = stepMs,
): Promise<TenantDb> {
  const { sealedToken } = tenant;
  if (!sealedToken) throw new Error("The tenant has no token yet");
  return openTenant(await addressOf({ ...tenant, sealedToken }, platform, keyRing), tenant.id, ms);
}
