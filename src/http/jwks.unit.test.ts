import { errors, type JWK } from "jose";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { newSigningKey } from "../testing/key-server.ts";
import { createKeyFinder } from "./jwks.ts";

const minute = 60_000;
const hour = 60 * minute;
const [first, second] = [newSigningKey(), newSigningKey()];

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2030, 0) }));
afterEach(() => void vi.useRealTimers());

/** A finder whose provider answers what `answer` is at that moment, and its background work. */
function finderOf(...published: JWK[]) {
  const provider = {
    hits: 0,
    answer: async (_signal: AbortSignal): Promise<Response> => Response.json({ keys: published }),
  };
  const finder = createKeyFinder("https://idp.test/jwks", 2000, async (_uri, init) => {
    provider.hits++;
    return await provider.answer(init?.signal as AbortSignal);
  });
  const background = new Set<Promise<unknown>>();
  const keepAlive = (work: Promise<unknown>) => {
    background.add(work.catch(() => undefined));
  };
  const input = { payload: "", signature: "" };
  return {
    provider,
    publish: (...keys: JWK[]) => {
      provider.answer = async () => Response.json({ keys });
    },
    fail: () => {
      provider.answer = () => Promise.reject(new Error("no route"));
    },
    /** What the outcome is called: the key's type, or the error's code. */
    async find(kid: string) {
      try {
        return (await finder.find({ alg: "RS256", kid }, input, keepAlive)).type;
      } catch (error) {
        return (error as { code: string }).code;
      }
    },
    settle: () => Promise.all(background),
  };
}
const found = "public";
const down = "dependency_unavailable";
const unknown = errors.JWKSNoMatchingKey.code;

test("known keys are not asked for again within ten minutes", async () => {
  const { provider, find } = finderOf(first.jwk);
  expect(await find(first.kid)).toBe(found);
  vi.advanceTimersByTime(10 * minute);
  expect(await find(first.kid)).toBe(found);
  expect(provider.hits).toBe(1);
});

test("after ten minutes the old keys serve on while one request fetches new ones", async () => {
  const { provider, publish, find, settle } = finderOf(first.jwk);
  await find(first.kid);
  publish(second.jwk);
  vi.advanceTimersByTime(10 * minute + 1);
  expect(await Promise.all([find(first.kid), find(first.kid)])).toEqual([found, found]);
  await settle();
  expect(provider.hits).toBe(2);
  expect(await find(second.kid)).toBe(found);
});

test("a key that was withdrawn is refused once the keys were refreshed", async () => {
  const { publish, find, settle } = finderOf(first.jwk);
  await find(first.kid);
  publish(second.jwk);
  vi.advanceTimersByTime(10 * minute + 1);
  await find(first.kid);
  await settle();
  expect(await find(first.kid)).toBe(unknown);
});

test("while the provider is down, keys serve for a day and not a moment longer", async () => {
  const { fail, find, settle } = finderOf(first.jwk);
  await find(first.kid);
  fail();
  vi.advanceTimersByTime(24 * hour);
  expect(await find(first.kid)).toBe(found);
  await settle();
  vi.advanceTimersByTime(1);
  expect(await find(first.kid)).toBe(down);
});

test("a provider that is down is asked once a second at most", async () => {
  const { provider, fail, find, settle } = finderOf(first.jwk);
  await find(first.kid);
  fail();
  vi.advanceTimersByTime(11 * minute);
  for (let i = 0; i < 5; i++) {
    expect(await find(first.kid)).toBe(found);
    await settle();
  }
  expect(provider.hits).toBe(2);
  vi.advanceTimersByTime(1001);
  await find(first.kid);
  await settle();
  expect(provider.hits).toBe(3);
});

test("a key nobody knows is looked for once in thirty seconds", async () => {
  const { provider, publish, find } = finderOf(first.jwk);
  await find(first.kid);
  expect(await find("a")).toBe(unknown);
  expect(await find("b")).toBe(unknown);
  publish(first.jwk, second.jwk);
  vi.advanceTimersByTime(29_999);
  expect(await find(second.kid)).toBe(unknown);
  expect(provider.hits).toBe(2);
  vi.advanceTimersByTime(1);
  expect(await find(second.kid)).toBe(found);
  expect(provider.hits).toBe(3);
});

test("a search that failed is no answer: 503 until the provider is back, then the key is found", async () => {
  const { provider, publish, fail, find } = finderOf(first.jwk);
  await find(first.kid);
  fail();
  expect(await find(second.kid)).toBe(down);
  expect(await find(second.kid)).toBe(down);
  expect(provider.hits).toBe(2);
  publish(first.jwk, second.jwk);
  vi.advanceTimersByTime(1000);
  expect(await find(second.kid)).toBe(found);
  expect(provider.hits).toBe(3);
});

const nonsense: Record<string, () => Response> = {
  "an error with keys in it": () => Response.json({ keys: [second.jwk] }, { status: 500 }),
  "a redirect": () => Response.redirect("https://elsewhere.test"),
  "an empty set": () => Response.json({ keys: [] }),
  "no set": () => Response.json({}),
  "a set of other things": () => Response.json({ keys: "none" }),
  "a list of nothing": () => Response.json({ keys: [null, 7, "key"] }),
  "only weak keys": () => Response.json({ keys: [newSigningKey(1024).jwk] }),
  "only keys to encrypt with": () => Response.json({ keys: [{ ...second.jwk, use: "enc" }] }),
  "only keys for RS512": () => Response.json({ keys: [{ ...second.jwk, alg: "RS512" }] }),
  "only keys without an id": () => Response.json({ keys: [{ ...second.jwk, kid: undefined }] }),
  "a page": () => new Response("<html>Sign in</html>"),
  "too much": () => Response.json({ keys: [second.jwk], more: " ".repeat(256 * 1024) }),
};
test.each(Object.entries(nonsense))("good keys are not given up for %s", async (_, answer) => {
  const { provider, find } = finderOf(first.jwk);
  await find(first.kid);
  provider.answer = async () => answer();
  expect(await find(second.kid)).toBe(down);
  expect(provider.hits).toBe(2);
  expect(await find(first.kid)).toBe(found);
});

test("a request that dies while it fetches the keys leaves the others a way to go on", async () => {
  const { provider, publish, find } = finderOf(first.jwk);
  provider.answer = () => new Promise(() => {});
  void find(first.kid);
  const waiting = find(first.kid);
  publish(first.jwk);
  await vi.advanceTimersByTimeAsync(2300);
  expect(await waiting).toBe(found);
  expect(provider.hits).toBe(2);
});
