import { eq } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import type { RegistryDb, TenantDb } from "../../db/connect.ts";
import { type Write, write } from "../../db/write.ts";
import type { RegistryScope, WorkScope } from "../scope.ts";
import { databases } from "./databases.table.ts";

type Entry = typeof databases.$inferInsert;

/** Writes a database down before it is made. */
export const ledgerEntry = (
  db: RegistryDb,
  { now, ...entry }: Pick<Entry, "name" | "tenantId" | "operationId"> & { readonly now: number },
): Write =>
  write(db.insert(databases).values({ ...entry, state: "made", createdAt: now, updatedAt: now }));

export const ledgerChange = ({ db }: RegistryScope, name: string, values: Partial<Entry>): Write =>
  write(
    db
      .update(databases)
      .set({ ...values, updatedAt: Date.now() })
      .where(eq(databases.name, name)),
  );

/** A copy that somebody is still waiting for may come after its deletion: it is deleted once more. */
const lateMs = 10 * 60_000;
export const doomed = () => ({ state: "doomed" as const, keepUntil: Date.now() + lateMs });

export async function findInLedger({ db }: RegistryScope, name: string) {
  const [[row]] = await batch(db, "read", [
    db.select().from(databases).where(eq(databases.name, name)),
  ] as const);
  return row;
}

type Key = Pick<Awaited<ReturnType<WorkScope["platform"]["mintToken"]>>, "token"> & {
  readonly host: string | null;
};
/** For as long as one driver works: a platform may take its time to mint. */
const keys = new WeakMap<WorkScope, Map<string, Key>>();
const longMs = 60_000;

/** A database that is in the ledger, whether or not it is the tenant's now. */
export async function openFromLedger(
  scope: WorkScope,
  tenantId: string,
  name: string,
): Promise<TenantDb> {
  const known = keys.get(scope) ?? new Map<string, Key>();
  keys.set(scope, known);
  const key = known.get(name) ?? (await keyOf(scope, name));
  known.set(name, key);
  const address = { ...scope.platform.locate(name, key.host), token: key.token };
  return scope.openTenant(address, `${tenantId} ${name}`, longMs);
}

async function keyOf(scope: WorkScope, name: string): Promise<Key> {
  const row = await findInLedger(scope, name);
  if (!row) throw new Error("The database is not in the ledger");
  const { token } = await scope.platform.mintToken(name);
  return { token, host: row.host };
}
