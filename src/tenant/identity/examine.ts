import { sql } from "drizzle-orm";
import { batch, statement } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { tenantIdentity } from "./identity.table.ts";

/** How many migrations the database has had, by its own account. */
export const schemaVersionQuery = (db: TenantDb) =>
  statement<{ version: number }>(db, sql`select count(*) as version from __drizzle_migrations`);

/** Asks a database how it is. Names only what databases of every release have. */
export async function examine(db: TenantDb) {
  const began = Date.now();
  const { tenantId, name } = tenantIdentity;
  const [[stamp], [schema]] = await batch(db, "read", [
    db.select({ tenantId, name }).from(tenantIdentity),
    schemaVersionQuery(db),
  ] as const);
  return { stamp, schemaVersion: schema?.version ?? 0, latencyMs: Date.now() - began };
}
