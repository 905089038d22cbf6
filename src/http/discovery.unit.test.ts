import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createDiscovery } from "./discovery.ts";

const minute = 60_000;
const hour = 60 * minute;
const issuer = "https://idp.test";
const metadata = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  end_session_endpoint: `${issuer}/logout`,
  jwks_uri: `${issuer}/jwks`,
  scopes_supported: ["openid"],
};

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2030, 0) }));
afterEach(() => void vi.useRealTimers());

/** A discovery whose provider answers what `answer` is at that moment, and its background work. */
function discoveryOf(named = issuer) {
  const provider = {
    asked: [] as unknown[],
    answer: async (_signal: AbortSignal): Promise<Response> => Response.json(metadata),
  };
  const discovery = createDiscovery(named, 2000, async (url, init) => {
    provider.asked.push([url, init?.redirect]);
    return await provider.answer(init?.signal as AbortSignal);
  });
  const background = new Set<Promise<unknown>>();
  const keepAlive = (work: Promise<unknown>) => {
    background.add(work.catch(() => undefined));
  };
  return {
    provider,
    publish: (changed: object) => {
      provider.answer = async () => Response.json({ ...metadata, ...changed });
    },
    fail: () => {
      provider.answer = () => Promise.reject(new Error("no route"));
    },
    /** Where logins begin, or the error's code. */
    async find() {
      try {
        return (await discovery.current(keepAlive)).authorization_endpoint;
      } catch (error) {
        return (error as { code: string }).code;
      }
    },
    settle: () => Promise.all(background),
  };
}
const found = metadata.authorization_endpoint;
const down = "dependency_unavailable";

test.each([issuer, `${issuer}/`, `${issuer}/realms/one`])(
  "the metadata of %s is asked for at its well-known address, and nowhere a redirect points to",
  async (named) => {
    const { provider, find } = discoveryOf(named);
    await find();
    const url = `${named.replace(/\/$/, "")}/.well-known/openid-configuration`;
    expect(provider.asked).toEqual([[url, "manual"]]);
  },
);

test("twenty requests of a cold start share one look", async () => {
  const { provider, find } = discoveryOf();
  provider.answer = async () => {
    await new Promise((wake) => setTimeout(wake, 500));
    return Response.json(metadata);
  };
  const all = Promise.all(Array.from({ length: 20 }, find));
  await vi.advanceTimersByTimeAsync(600);
  expect(new Set(await all)).toEqual(new Set([found]));
  expect(provider.asked).toHaveLength(1);
});

test("what is known serves an hour, and on while one request fetches it anew", async () => {
  const { provider, publish, find, settle } = discoveryOf();
  await find();
  const moved = `${issuer}/elsewhere`;
  publish({ authorization_endpoint: moved });
  vi.advanceTimersByTime(hour);
  expect(await find()).toBe(found);
  expect(provider.asked).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(await Promise.all([find(), find()])).toEqual([found, found]);
  await settle();
  expect(provider.asked).toHaveLength(2);
  expect(await find()).toBe(moved);
});

test("while the provider is down, what is known serves for a day and not a moment longer", async () => {
  const { fail, find, settle } = discoveryOf();
  await find();
  fail();
  vi.advanceTimersByTime(24 * hour);
  expect(await find()).toBe(found);
  await settle();
  vi.advanceTimersByTime(1);
  expect(await find()).toBe(down);
});

test("a provider that is down is asked once a second at most, and found again after", async () => {
  const { provider, publish, fail, find } = discoveryOf();
  fail();
  expect(await find()).toBe(down);
  expect(await find()).toBe(down);
  expect(provider.asked).toHaveLength(1);
  publish({});
  vi.advanceTimersByTime(1000);
  expect(await find()).toBe(found);
});

const nonsense: Record<string, () => Response> = {
  "another issuer": () => Response.json({ ...metadata, issuer: "https://evil.test" }),
  "the issuer with a slash more": () => Response.json({ ...metadata, issuer: `${issuer}/` }),
  "no issuer": () => Response.json({ ...metadata, issuer: undefined }),
  "a login that is a script": () =>
    Response.json({ ...metadata, authorization_endpoint: "javascript:alert(1)" }),
  "a login that is a path": () =>
    Response.json({ ...metadata, authorization_endpoint: "/authorize" }),
  "no token endpoint": () => Response.json({ ...metadata, token_endpoint: undefined }),
  "a page to sign out at that is none": () =>
    Response.json({ ...metadata, end_session_endpoint: "file:///etc" }),
  "an error with metadata in it": () => Response.json(metadata, { status: 500 }),
  "a redirect": () => Response.redirect("https://elsewhere.test"),
  "a page": () => new Response("<html>Sign in</html>"),
  nothing: () => new Response(null),
  null: () => Response.json(null),
  "too much": () => Response.json({ ...metadata, more: " ".repeat(256 * 1024) }),
};
test.each(Object.entries(nonsense))("good metadata is not given up for %s", async (_, answer) => {
  const { provider, find, settle } = discoveryOf();
  provider.answer = async () => answer();
  expect(await find()).toBe(down);
  provider.answer = async () => Response.json(metadata);
  vi.advanceTimersByTime(1000);
  expect(await find()).toBe(found);
  provider.answer = async () => answer();
  vi.advanceTimersByTime(hour + 1);
  await find();
  await settle();
  expect(provider.asked).toHaveLength(3);
  expect(await find()).toBe(found);
});

test("metadata that never ends is not read to its end", async () => {
  const { provider, find } = discoveryOf();
  let poured = 0;
  const pull = (controller: ReadableStreamDefaultController) => {
    poured++;
    controller.enqueue(new TextEncoder().encode(" ".repeat(65_536)));
  };
  provider.answer = async () => new Response(new ReadableStream({ pull }));
  expect(await find()).toBe(down);
  expect(poured).toBeLessThan(10);
});

test("a provider without user info and sign-out is one", async () => {
  const { publish, find } = discoveryOf();
  publish({ userinfo_endpoint: undefined, end_session_endpoint: undefined });
  expect(await find()).toBe(found);
});

test("a provider that hangs is given up, and a request that dies meanwhile blocks nobody", async () => {
  const { provider, publish, find } = discoveryOf();
  provider.answer = () => new Promise(() => {});
  void find();
  const waiting = find();
  publish({});
  await vi.advanceTimersByTimeAsync(2300);
  expect(await waiting).toBe(found);
  expect(provider.asked).toHaveLength(2);
});
