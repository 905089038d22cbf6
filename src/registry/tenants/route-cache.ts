import type { TenantRoute } from "./locate.service.ts";

type Entry = { readonly route: TenantRoute; readonly at: number; readonly retryAt: number };
type Find = (name: string) => Promise<TenantRoute | undefined>;

const namesOf = ({ id, slug, organizationId }: TenantRoute) => [
  id,
  slug,
  ...(organizationId === null ? [] : [`org:${organizationId}`]),
];

const capacity = 5000;
const staleMs = 10 * 60_000;
const backOffMs = 5000;
const patienceMs = 1000;

/**
 * Remembers where tenants are, per isolate. While the registry is down or slow an old answer serves
 * on, so tenants keep working without it: one request looks, and for a second at most. Who may enter
 * is never remembered.
 */
export function createRouteCache(freshMs: number) {
  const entries = new Map<string, Entry>();

  function keep(route: TenantRoute): void {
    const at = Date.now();
    for (const name of namesOf(route)) {
      entries.delete(name);
      entries.set(name, { route, at, retryAt: at + freshMs });
    }
    for (const oldest of entries.keys()) {
      if (entries.size <= capacity) break;
      entries.delete(oldest);
    }
  }

  async function look(name: string, find: Find): Promise<TenantRoute | undefined> {
    const route = await find(name);
    if (route) keep(route);
    else entries.delete(name);
    return route;
  }

  return async (name: string, find: Find, afresh = false): Promise<TenantRoute | undefined> => {
    const now = Date.now();
    const known = afresh ? undefined : entries.get(name);
    if (known && now < known.retryAt) return known.route;
    if (!known || now - known.at > staleMs) return await look(name, find);
    entries.set(name, { ...known, retryAt: now + backOffMs });
    const slow = new Promise<TenantRoute>((resolve) =>
      setTimeout(() => resolve(known.route), patienceMs),
    );
    return await Promise.race([look(name, find), slow]).catch(() => known.route);
  };
}
