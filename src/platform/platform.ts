import type { Secret } from "../core/secret.ts";
import type { DatabaseAddress } from "../db/connect.ts";

/** Who creates and hosts databases. Every method may be repeated: names are ours alone. */
export type Platform = {
  /**
   * Creates the database, or adopts the one already there under this name.
   * Returns the host the platform gave it, or null where one address serves all.
   */
  ensureDatabase(name: string): Promise<string | null>;
  /** A token that opens this database and no other; `expiresAt` in epoch milliseconds. */
  mintToken(name: string): Promise<{ token: Secret; expiresAt: number }>;
  /** Destroys the database. One that is not there is fine. */
  deleteDatabase(name: string): Promise<void>;
  /** Throws when `host` is not an address of this platform. */
  locate(name: string, host: string | null): Omit<DatabaseAddress, "token">;
};

/** What `databaseNameOf` gives. */
export const databaseNameLength = "tnt-".length + 36;

/** Derived, so that a retry finds what an earlier try made; safe as a path, a label and an argument. */
export function databaseNameOf(tenantId: string): string {
  const name = tenantId.replaceAll("_", "-");
  assertDatabaseName(name);
  return name;
}

/** Platforms take a name into a path as it is. */
export function assertDatabaseName(name: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) throw new Error("Not the name of a database");
}
