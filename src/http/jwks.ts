import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWK,
  type JWSHeaderParameters,
} from "jose";
import { type KeepAlive, rememberDocument } from "./remembered.ts";

type KeySet = ReturnType<typeof createLocalJWKSet>;
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
const unknownKeyMs = 30_000;

/**
 * The provider's signing keys: refreshed every ten minutes, and looked for at most once in 30 s when
 * a token names a key nobody knows.
 */
export function createKeyFinder(uri: string, timeoutMs: number, get: typeof fetch): KeyFinder {
  const keys = rememberDocument({
    title: "JWKS",
    url: uri,
    softMs,
    timeoutMs,
    get,
    read: (text) => createLocalJWKSet({ keys: signingKeys(text) }),
  });
  let searchedAt = 0;

  /**
   * For a key nobody knows: join a load under way, or start one if the last search is long ago.
   * While loads fail nobody can tell whether the key exists, and every search ends in their 503.
   */
  function maySearch(): boolean {
    const now = Date.now();
    if (keys.isSettled() && now - searchedAt < unknownKeyMs) return false;
    searchedAt = now;
    return true;
  }

  return {
    async warm(keepAlive) {
      await keys.current(keepAlive);
    },
    async find(header, token, keepAlive) {
      const set = await keys.current(keepAlive);
      try {
        return await set(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || !maySearch()) throw error;
        const newer = await keys.afresh(keepAlive);
        return await newer(header, token);
      }
    },
  };
}

function signingKeys(text: string): JWK[] {
  const { keys: found = [] } = JSON.parse(text) as { keys?: JWK[] };
  const usable = found.filter(isSigningKey);
  if (usable.length === 0) throw new Error("JWKS holds no key for RS256");
  return usable;
}

/** RSA of at least 2048 bits, meant for RS256 signatures. */
const isSigningKey = ({ kty, kid, use, alg, n }: JWK): boolean =>
  kty === "RSA" &&
  typeof kid === "string" &&
  (use === undefined || use === "sig") &&
  (alg === undefined || alg === "RS256") &&
  typeof n === "string" &&
  n.length >= 342;
