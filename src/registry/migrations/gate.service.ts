import { ApiError } from "../../core/error.ts";
import type { FleetScope } from "../scope.ts";
import type { SchemaState, TenantRoute } from "../tenants/locate.service.ts";
import { target } from "./behind.ts";
import { migrateTenant } from "./migrate-tenant.service.ts";

const pollMs = 100;
/** After a failure requests leave a database alone for so long. */
const quarantineMs = 60_000;

/** Whether this code can work with a database of this schema. */
export const fits = ({ version, oldestCode }: SchemaState): boolean =>
  version === target || (version > target && oldestCode <= target);

type Look = () => Promise<TenantRoute | undefined>;

/**
 * The route of a tenant whose database this code can work with: one that is behind is migrated first,
 * by one request, and the others wait for it. Throws 503 where that is off, failed, or takes longer
 * than until `until`; it then goes on without the request.
 */
export async function untilFit(
  scope: FleetScope,
  look: Look,
  { lazily, until }: { lazily: boolean; until: number },
): Promise<TenantRoute | undefined> {
  for (;;) {
    const route = await look();
    if (!route || fits(route.schema)) return route;
    const { schema, id } = route;
    assertMendable(schema, lazily);
    const free = schema.leaseUntil < Date.now();
    const done = free ? await inTime(scope, migrateTenant(scope, id), until) : undefined;
    if (Date.now() + pollMs > until) throw outdated(2, "it takes a while");
    if (!done) await pause(pollMs * (1 + Math.random()));
  }
}

function assertMendable(schema: SchemaState, lazily: boolean): void {
  if (schema.version > target) throw ahead();
  if (!lazily) throw outdated(60, "it waits for the operators' migration");
  if (isQuarantined(schema)) throw outdated(60, "the last try failed, and its operators know");
}

/** What `work` comes to, if in time; it goes on either way. */
async function inTime<T>({ request }: FleetScope, work: Promise<T>, until: number) {
  request.keepAlive(work);
  return await Promise.race([work, pause(Math.max(0, until - Date.now()))]);
}

const pause = (ms: number) =>
  new Promise<undefined>((wake) => setTimeout(() => wake(undefined), ms));

const isQuarantined = ({ failedAt, drift }: SchemaState) =>
  drift !== null || (failedAt !== null && Date.now() - failedAt < quarantineMs);

const outdated = (seconds: number, why: string) =>
  new ApiError("schema_outdated", `The tenant's database is older than this release: ${why}`, {
    headers: { "retry-after": String(seconds) },
  });

const ahead = () =>
  new ApiError(
    "schema_ahead",
    "The tenant's database is newer than this deployment can work with: deploy the newer release",
    { headers: { "retry-after": "30" } },
  );
