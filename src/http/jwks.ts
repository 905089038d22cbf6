import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWK,
  type JWSHeaderParameters,
} from "jose";
import { unavailable } from "../core/error.ts";

type KeySet = ReturnType<typeof createLocalJWKSet>;
type KeepAlive = (work: Promise<unknown>) => void;
export type KeyFinder = {
  find(
    header: JWSHeaderParameters,
    token: FlattenedJWSInput,
    keepAlive: KeepAlive,
  ): ReturnType<KeySet>;
  /** Resolves once keys are at hand; throws 503 when they cannot be had. */
  warm(keepAlive: KeepAlive): Promise<void>;
};

const softMs = 10 * 60_000;
const hardMs = 24 * 3_600_000;
const unknownKeyMs = 30_000;
const backOffMs = 1000;
const graceMs = 250;
const pollMs = 10;
const maxBytes = 256 * 1024;

/**
 * The provider's signing keys, remembered per isolate: refreshed in the background every ten
 * minutes, served for a day while the provider is down, fetched at most once in 30 s for a key
 * nobody knows, and by one request at a time. Waiting requests poll plain data with timers of their
 * own: on Workers a promise must not cross requests.
 */
export function createKeyFinder(uri: string, timeoutMs: number, get: typeof fetch): KeyFinder {
  let keys: { set: KeySet; at: number } | undefined;
  let loadingSince = 0;
  let failedAt = 0;
  let searchedAt = 0;

  /** A leader that outlives its own timeout is gone, cancelled with its request. */
  const loading = () => loadingSince > 0 && Date.now() - loadingSince < timeoutMs + graceMs;

  async function load(): Promise<void> {
    loadingSince = Date.now();
    try {
      keys = { set: createLocalJWKSet({ keys: await fetchKeys() }), at: Date.now() };
      failedAt = 0;
    } catch (error) {
      failedAt = Date.now();
      throw unavailable("The identity provider's keys cannot be read", error);
    } finally {
      loadingSince = 0;
    }
  }

  async function fetchKeys(): Promise<JWK[]> {
    const response = await get(uri, {
      headers: { accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await boundedText(response);
    if (response.status !== 200) throw new Error(`JWKS answered ${response.status}`);
    const { keys: found = [] } = JSON.parse(text) as { keys?: JWK[] };
    const usable = found.filter(isSigningKey);
    if (usable.length === 0) throw new Error("JWKS holds no key for RS256");
    return usable;
  }

  /** Leads a load, or waits for the one under way and takes its result. */
  async function loadOrWait(keepAlive: KeepAlive): Promise<void> {
    const before = keys?.at;
    while (loading()) await new Promise((wake) => setTimeout(wake, pollMs));
    if (keys && keys.at !== before) return;
    if (Date.now() - failedAt < backOffMs)
      throw unavailable("The identity provider's keys cannot be read");
    const work = load();
    keepAlive(work);
    await work;
  }

  /**
   * For a key nobody knows: join a load under way, or start one if the last search is long ago.
   * While loads fail nobody can tell whether the key exists, and every search ends in their 503.
   */
  function maySearch(): boolean {
    const now = Date.now();
    if (!loading() && failedAt === 0 && now - searchedAt < unknownKeyMs) return false;
    searchedAt = now;
    return true;
  }

  async function warm(keepAlive: KeepAlive): Promise<KeySet> {
    const now = Date.now();
    if (!keys || now - keys.at > hardMs) await loadOrWait(keepAlive);
    else if (now - keys.at > softMs && !loading() && now - failedAt > backOffMs) keepAlive(load());
    if (!keys) throw unavailable("The identity provider's keys cannot be read");
    return keys.set;
  }

  return {
    async warm(keepAlive) {
      await warm(keepAlive);
    },
    async find(header, token, keepAlive) {
      const set = await warm(keepAlive);
      try {
        return await set(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || !maySearch()) throw error;
        await loadOrWait(keepAlive);
        return await (keys?.set ?? set)(header, token);
      }
    },
  };
}

/** The body, or an error as soon as it grows beyond what a key set can be. */
async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > maxBytes) throw new Error(`JWKS is larger than ${maxBytes} bytes`);
  }
  return text;
}

/** RSA of at least 2048 bits, meant for RS256 signatures. */
const isSigningKey = ({ kty, kid, use, alg, n }: JWK): boolean =>
  kty === "RSA" &&
  typeof kid === "string" &&
  (use === undefined || use === "sig") &&
  (alg === undefined || alg === "RS256") &&
  typeof n === "string" &&
  n.length >= 342;
