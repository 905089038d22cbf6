import type { TenantRoute } from "./locate.service.ts";

type Entry = { readonly route: TenantRoute; readonly at: number; readonly retryAt: number };
type Find = (name: string) => Promise<TenantRoute | undefined>;

const capacity = 5000;
const staleMs = 10 * 60_000;
const backOffMs = 5000;

/**
 * Remembers where tenants are, per isolate. While the registry is down an old answer serves on, so
 * tenants keep working without it. Who may enter is never remembered.
 */
export function createRouteCache(freshMs: number) {
  const entries = new Map<string, Entry>();

  function keep(route: TenantRoute): void {
    const at = Date.now();
    for (const name of [route.id, route.slug]) {
      entries.delete(name);
      entries.set(name, { route, at, retryAt: at + freshMs });
    }
    for (const oldest of entries.keys()) {
      if (entries.size <= capacity) break;
      entries.delete(oldest);
    }
  }

  return async (name: string, find: Find, afresh = false): Promise<TenantRoute | undefined> => {
    const known = entries.get(name);
    if (known && !afresh && Date.now() < known.retryAt) return known.route;
    try {
      const route = await find(name);
      if (route) keep(route);
      else entries.delete(name);
      return route;
    } catch (error) {
      const now = Date.now();
      if (!known || afresh || now - known.at > staleMs) throw error;
      entries.set(name, { ...known, retryAt: now + backOffMs });
      return known.route;
    }
  };
}
export type RouteCache = ReturnType<typeof createRouteCache>;
