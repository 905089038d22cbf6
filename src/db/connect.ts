import type { Client } from "@libsql/client/http";
import type { LibSQLDatabase } from "drizzle-orm/libsql";
import { drizzle } from "drizzle-orm/libsql/http";
import type { Secret } from "../core/secret.ts";

/** Where a database is and what opens it. `namespace` is for servers that host many at one address. */
export type DatabaseAddress = {
  readonly url: string;
  readonly namespace?: string | undefined;
  readonly token: Secret;
};

/** What one request may cost, shared by everything it opens. */
export type Budget = {
  /** Epoch milliseconds after which no call to a database starts or goes on. */
  readonly deadline: number;
  /** The longest any single call may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Concurrent write batches per database and isolate; see `writers.ts`. */
  readonly writers: number;
  /** Counts database round trips. */
  readonly spent: { trips: number };
  readonly fetch: typeof fetch;
};

declare const wing: unique symbol;
type Wing<W extends string> = LibSQLDatabase & {
  readonly budget: Budget;
  /** Names the database to clients, who may not even belong to its tenant. */
  readonly label: string;
  /** Names it in the writer cap. */
  readonly key: string;
  /** Follows a database whose token or address was replaced. False where nothing else is known of it. */
  readonly reopen?: (() => Promise<boolean>) | undefined;
  readonly [wing]: W;
};
export type TenantDb = Wing<"tenant">;
export type RegistryDb = Wing<"registry">;
export type Database = TenantDb | RegistryDb;

/** `lookAfresh` finds out where it is now, and is asked when the database refuses the token. */
export function openTenantDb(
  address: DatabaseAddress,
  budget: Budget,
  tenantId: string,
  lookAfresh?: () => Promise<DatabaseAddress | undefined>,
): TenantDb {
  const names = { label: "The tenant's database", key: tenantId };
  const db = open<TenantDb>(address, budget, names);
  if (!lookAfresh) return db;
  const reopen = async () => {
    const now = await findReplaced(address, lookAfresh);
    if (now) Object.assign(db, { $client: clientOf(open<TenantDb>(now, budget, names)) });
    return now !== undefined;
  };
  return Object.assign(db, { reopen });
}

/** While tokens are being ended the next one may be stored a moment later. */
const looks = [0, 500];

async function findReplaced(
  before: DatabaseAddress,
  lookAfresh: () => Promise<DatabaseAddress | undefined>,
): Promise<DatabaseAddress | undefined> {
  for (const pause of looks) {
    await new Promise((wake) => setTimeout(wake, pause));
    const now = await lookAfresh();
    if (now && keyOf(now) !== keyOf(before)) return now;
  }
  return undefined;
}

const keyOf = ({ url, namespace, token }: DatabaseAddress) =>
  JSON.stringify([url, namespace, token.reveal()]);

export const openRegistryDb = (address: DatabaseAddress, budget: Budget) =>
  open<RegistryDb>(address, budget, { label: "The registry", key: "registry" });

/**
 * A client for one request: clients shared between requests wedge a Workers isolate. Opening one
 * costs microseconds and no I/O.
 */
function open<D extends Database>(
  { url, namespace, token }: DatabaseAddress,
  budget: Budget,
  names: Pick<D, "label" | "key">,
): D {
  const origin = new URL(url.replace(/^libsql:/, "https:")).origin;
  const connection = {
    url,
    authToken: token.reveal(),
    fetch: pinnedFetch(origin, namespace, budget),
  };
  const db = drizzle({ connection, casing: "snake_case" });
  return Object.assign(db, { budget, ...names }) as unknown as D;
}

/** What Drizzle speaks through, and keeps out of the types of a database. */
export const clientOf = (db: Database): Client => (db as unknown as { $client: Client }).$client;

/** Only ever talks to `origin`, whatever the server's answers say, and never longer than the budget. */
function pinnedFetch(origin: string, namespace: string | undefined, budget: Budget) {
  const name = namespace && btoa(namespace).replace(/=+$/, "");
  return async (request: Request): Promise<Response> => {
    if (new URL(request.url).origin !== origin) throw new Error("The server points elsewhere");
    const left = Math.min(budget.timeoutMs, budget.deadline - Date.now());
    if (left <= 0) throw new DOMException("The time for this request is spent", "TimeoutError");
    if (name) request.headers.set("x-namespace-bin", name);
    budget.spent.trips++;
    const init: RequestInit = { redirect: "manual", signal: AbortSignal.timeout(left) };
    const response = await budget.fetch(new Request(request, init));
    if (response.ok) return response;
    // What stands in the body may echo the token, and would end up in messages.
    await response.body?.cancel();
    if (response.status >= 400) return new Response(null, { status: response.status });
    throw new Error(`The server redirects (${response.status})`);
  };
}
