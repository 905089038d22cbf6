import { eq } from "drizzle-orm";
import { isId } from "../../core/id.ts";
import { slugPattern } from "../../core/slug.ts";
import { batch } from "../../db/batch.ts";
import type { DatabaseAddress, RegistryDb } from "../../db/connect.ts";
import type { Platform } from "../../platform/platform.ts";
import { tenants } from "./tenants.table.ts";
import { type KeyRing, openToken } from "./token-vault.ts";

/** Where a tenant is. It says nothing of who may enter. */
export type TenantRoute = {
  readonly id: string;
  readonly slug: string;
  readonly address: DatabaseAddress;
};

/** Looks a tenant up by what a signal names, an id or a slug. Undefined while it is being set up. */
export async function findRoute(
  db: RegistryDb,
  name: string,
  platform: Platform,
  ring: KeyRing,
): Promise<TenantRoute | undefined> {
  const byId = isId("tenant", name);
  if (!byId && !slugPattern.test(name)) return undefined;
  const [[row]] = await batch(db, "read", [
    db
      .select({
        id: tenants.id,
        slug: tenants.slug,
        status: tenants.status,
        databaseName: tenants.databaseName,
        databaseHost: tenants.databaseHost,
        sealedToken: tenants.sealedToken,
      })
      .from(tenants)
      .where(byId ? eq(tenants.id, name) : eq(tenants.slug, name)),
  ] as const);
  if (!row?.sealedToken || row.status === "provisioning") return undefined;
  const token = await openToken(ring, row.id, row.sealedToken);
  const address = { ...platform.locate(row.databaseName, row.databaseHost), token };
  return { id: row.id, slug: row.slug, address };
}
