import { invalidField, unavailable } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";
import type { DatabaseAddress } from "../db/connect.ts";

/** Who creates and hosts databases. Every method may be repeated: names are ours alone. */
export type Platform = {
  readonly kind: "sqld" | "turso";
  /** Whether a copy can be had as of a moment that is past. */
  readonly pointInTime: boolean;
  /** Where databases can be placed, the usual one first; empty where nobody has a choice. */
  readonly regions: readonly string[];
  /**
   * Creates the database, or adopts the one already there under this name.
   * Returns the host the platform gave it, or null where one address serves all.
   */
  ensureDatabase(database: NewDatabase): Promise<string | null>;
  /** What is there under this name; undefined when nothing is. */
  findDatabase(name: string): Promise<FoundDatabase | undefined>;
  /** All in our regions, whoever made them; undefined where the platform has no such list. */
  listDatabases(): AsyncIterable<ListedDatabase> | undefined;
  /** A token that opens this database and no other; `expiresAt` in epoch milliseconds. */
  mintToken(name: string): Promise<{ token: Secret; expiresAt: number }>;
  /**
   * Ends every token minted so far; whoever is to go on needs a new one. False where the platform
   * cannot. Turso lets some live up to an hour longer.
   */
  endTokens(name: string): Promise<boolean>;
  /** Changes what is named and leaves the rest. */
  configure(name: string, rules: DatabaseRules): Promise<void>;
  usageOf(name: string): Promise<DatabaseUsage>;
  /** Gone for good, protected or not. One that is not there is gone already. */
  deleteDatabase(name: string): Promise<void>;
  /** Throws when `host` is not an address of this platform. */
  locate(name: string, host: string | null): Omit<DatabaseAddress, "token">;
};

export type NewDatabase = {
  readonly name: string;
  /** One of the platform's; the first without it. */
  readonly region?: string | undefined;
  /** What it may grow to. A copy has its original's without it. */
  readonly maxBytes?: number | undefined;
  /** What it begins as: a copy as of `at` (epoch milliseconds) or now, open whatever was blocked. */
  readonly copyOf?: { readonly name: string; readonly at?: number | undefined } | undefined;
};

export type ListedDatabase = { readonly name: string; readonly host: string | null };
export type FoundDatabase = {
  readonly host: string | null;
  /** Null where it is the only one and has no name. */
  readonly region: string | null;
};

/** What is not there stays as it is. */
export type DatabaseRules = {
  readonly blockReads?: boolean;
  readonly blockWrites?: boolean;
  /** Told to whoever is blocked, by the platforms that do; forgotten when nothing is blocked. */
  readonly blockReason?: string;
  readonly maxBytes?: number;
  /** Against deletion past us, on the platforms that know it. */
  readonly deleteProtection?: boolean;
};

export type DatabaseUsage = {
  readonly storageBytes: number;
  /** Rows since the month began (Turso), or since the database did (sqld). */
  readonly rowsRead: number;
  readonly rowsWritten: number;
};

/** sqld copies some 50 MB in a second, and drops a copy nobody waits for any more. */
export const copyMs = 120_000;

/** What `databaseNameOf` gives, at most. */
export const databaseNameLength = "tnt-".length + 36;

/**
 * Derived, so that a retry finds what an earlier try made; safe as a path, a label and an argument. A
 * tenant's first database is named after it, later ones after the operation that makes them too.
 */
export function databaseNameOf(tenantId: string, operationId?: string): string {
  const random = (id: string, digits: number) => id.replaceAll("-", "").slice(-digits);
  const name = operationId
    ? `tnt-${random(tenantId, 12)}-${random(operationId, 20)}`
    : tenantId.replaceAll("_", "-");
  assertDatabaseName(name);
  return name;
}

/** Platforms take a name into a path as it is. */
export function assertDatabaseName(name: string): void {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) throw new Error("Not the name of a database");
}

/** Before anything is written down: a database is never placed elsewhere than where it was to be. */
export function assertRegion({ regions }: Pick<Platform, "regions">, region?: string): void {
  if (region === undefined || regions.includes(region)) return;
  const message =
    regions.length > 0
      ? `must be one of ${regions.join(", ")}`
      : "must be left out: there are none";
  throw invalidField(`The region ${message}`, { in: "body", path: "region", message });
}

export const noSuchDatabase = (cause: unknown) =>
  unavailable("The database platform holds no such database", cause);
