import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Secret } from "../../core/secret.ts";
import type { TenantRoute } from "./locate.service.ts";
import { createRouteCache } from "./route-cache.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const freshMs = 60_000;
const routeTo = (url: string): TenantRoute => ({
  id: "tnt_1",
  slug: "acme",
  address: { url, token: new Secret("token") },
  features: {},
  organizationId: null,
  schema: { version: 1, oldestCode: 0, leaseUntil: 0, failedAt: null, drift: null },
});
const [here, there] = [routeTo("http://here"), routeTo("http://there")];
const found = (route: TenantRoute | undefined) => vi.fn(async () => route);
const down = () =>
  vi.fn(async () => {
    throw new Error("The registry is down");
  });
const silent = () => vi.fn(() => new Promise<TenantRoute | undefined>(() => {}));

async function warmCache() {
  const locate = createRouteCache(freshMs);
  await locate("acme", found(here));
  return locate;
}

test("a known tenant is not looked up again while the answer is fresh, by id or by slug", async () => {
  const locate = await warmCache();
  const find = found(there);
  vi.advanceTimersByTime(freshMs - 1);
  expect(await locate("acme", find)).toBe(here);
  expect(await locate("tnt_1", find)).toBe(here);
  expect(find).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(await locate("acme", find)).toBe(there);
});

test("a tenant that is not there is never remembered, and one that is gone is forgotten", async () => {
  const locate = await warmCache();
  const none = found(undefined);
  expect(await locate("globex", none)).toBeUndefined();
  expect(await locate("globex", none)).toBeUndefined();
  expect(none).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(freshMs);
  expect(await locate("acme", none)).toBeUndefined();
  await expect(locate("acme", down())).rejects.toThrow("down");
});

test("while the registry is down the old answer serves on, and one look in five seconds is made", async () => {
  const locate = await warmCache();
  vi.advanceTimersByTime(freshMs);
  const find = down();
  for (let second = 0; second < 10; second++) {
    expect(await locate("acme", find)).toBe(here);
    expect(await locate("acme", find)).toBe(here);
    vi.advanceTimersByTime(1000);
  }
  expect(find).toHaveBeenCalledTimes(2);
  expect(await locate("acme", found(there))).toBe(there);
});

test("a silent registry holds up one request for a second, and nobody else", async () => {
  const locate = await warmCache();
  vi.advanceTimersByTime(freshMs);
  const find = silent();
  const first = locate("acme", find);
  expect(await Promise.all([locate("acme", find), locate("acme", find)])).toEqual([here, here]);
  expect(find).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await first).toBe(here);
});

test("a slow answer is still learned from", async () => {
  const locate = await warmCache();
  vi.advanceTimersByTime(freshMs);
  const slow = async () => {
    await new Promise((wake) => setTimeout(wake, 3000));
    return there;
  };
  const first = locate("acme", slow);
  await vi.advanceTimersByTimeAsync(3000);
  expect(await first).toBe(here);
  expect(await locate("acme", down())).toBe(there);
});

test("an answer older than ten minutes serves nobody", async () => {
  const locate = await warmCache();
  vi.advanceTimersByTime(10 * 60_000);
  expect(await locate("acme", down())).toBe(here);
  vi.advanceTimersByTime(5001);
  await expect(locate("acme", down())).rejects.toThrow("down");
});

test("a look afresh never settles for an old answer", async () => {
  const locate = await warmCache();
  await expect(locate("acme", down(), true)).rejects.toThrow("down");
  expect(await locate("acme", found(there), true)).toBe(there);
  expect(await locate("acme", down())).toBe(there);
});

test("the newest few thousand tenants are remembered, and no more", async () => {
  const locate = createRouteCache(freshMs);
  for (let i = 0; i < 3000; i++)
    await locate(`slug-${i}`, found({ ...here, id: `tnt_${i}`, slug: `slug-${i}` }));
  const find = down();
  await expect(locate("slug-0", find)).rejects.toThrow("down");
  expect(await locate("slug-2999", find)).toMatchObject({ id: "tnt_2999" });
  expect(await locate("tnt_600", find)).toMatchObject({ slug: "slug-600" });
});
