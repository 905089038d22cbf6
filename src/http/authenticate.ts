import { type JWSHeaderParameters, type JWTPayload, jwtVerify } from "jose";
import { z } from "zod";
import { ApiError } from "../core/error.ts";
import type { Identity, RequestContext } from "../core/request.ts";
import { clip, email, unprintable } from "../core/text.ts";
import type { KeyFinder } from "./jwks.ts";

export type TokenRules = {
  readonly issuer: string;
  readonly audience: string;
  /** Prefix of our own claims: `tenant_id`, `global_admin`, `sid`. */
  readonly namespace: string;
  /** The claim that names the provider's organisation; empty where it means nothing here. */
  readonly organizationClaim: string;
  readonly keys: KeyFinder;
};

const maxTokenLength = 8192;
const clockToleranceSeconds = 5;

/** The token of an `Authorization: Bearer` header (RFC 6750), or `unauthenticated`. */
export function bearerToken(header = ""): string {
  const token = /^Bearer +(.+)$/i.exec(header)?.[1];
  if (token === undefined)
    throw new ApiError("unauthenticated", "Send an Authorization: Bearer header");
  if (token.length > maxTokenLength || !/^[\w.-]+$/.test(token)) throw invalidToken("malformed");
  return token;
}

/** RFC 7519 asks for numbers; jose also takes `1e400` and an empty subject. */
const Claims = z.object({
  iss: z.string(),
  sub: z.string().regex(/^[\x20-\x7e]{1,255}$/),
  exp: z.number().positive(),
  iat: z.number().positive(),
});

/** What tells an ID token from an access token: these claims belong to ID tokens alone (OpenID Connect Core). */
const idTokenClaims = ["nonce", "at_hash", "c_hash", "s_hash"];

/** Verifies an access token and says who it speaks for. Every flaw gives the same answer. */
export async function verifyToken(
  token: string,
  { issuer, audience, namespace, organizationClaim, keys }: TokenRules,
  { keepAlive }: RequestContext,
): Promise<Identity> {
  const { payload } = await jwtVerify(
    token,
    (header, jws) => {
      assertHeader(header);
      return keys.find(header, jws, keepAlive);
    },
    { issuer, audience, algorithms: ["RS256"], clockTolerance: clockToleranceSeconds },
  ).catch((cause) => {
    throw cause instanceof ApiError ? cause : invalidToken(cause);
  });
  const claims = Claims.safeParse(payload);
  if (!claims.success || idTokenClaims.some((name) => name in payload))
    throw invalidToken(claims.error ?? "ID token");
  const claim = (name: string): unknown => payload[`${namespace}${name}`];
  return {
    kind: "user",
    issuer: claims.data.iss,
    subject: claims.data.sub,
    email: verifiedEmail(payload, claim),
    name: displayName(payload["name"] ?? claim("name")),
    sid: sessionOf(payload, claim),
    issuedAt: claims.data.iat * 1000,
    tenantClaim: tenantName(claim("tenant_id")),
    organizationClaim: organizationClaim ? tenantName(payload[organizationClaim]) : null,
    platformClaim: claim("global_admin") === true,
  };
}

/** The key comes from the provider's set, by its id, and from nowhere the token itself points to. */
function assertHeader(header: JWSHeaderParameters): void {
  const foreign = ["jwk", "jku", "x5u", "x5c", "crit"].some((name) => name in header);
  const typed =
    header.typ === undefined || /^(application\/)?(at\+)?jwt$/i.test(String(header.typ));
  if (foreign || !typed || typeof header.kid !== "string") throw invalidToken("header");
}

function verifiedEmail(payload: object, claim: (name: string) => unknown): string | null {
  const standard = payload as Record<string, unknown>;
  // Address and proof come from the same place, or a claim of one would vouch for the other's.
  const [given, verified] =
    standard["email"] === undefined
      ? [claim("email"), claim("email_verified")]
      : [standard["email"], standard["email_verified"]];
  const address = email.safeParse(given);
  return verified === true && address.success ? address.data : null;
}

function displayName(claim: unknown): string | null {
  if (typeof claim !== "string" || !claim.isWellFormed()) return null;
  return clip(claim.replaceAll(unprintable, " ").trim(), 200) || null;
}

/**
 * The session (`sid`, OpenID Connect Front-Channel Logout) where the token names one, else the token
 * itself (`jti`), else the second it was made in: whatever it is, it can be ended.
 */
function sessionOf(payload: JWTPayload, claim: (name: string) => unknown): string {
  const named = [
    ["sid", payload["sid"] ?? claim("sid")],
    ["jti", payload.jti],
  ].find(([, value]) => typeof value === "string" && /^[\x20-\x7e]{1,255}$/.test(value));
  return named?.join(":") ?? `iat:${payload.iat}`;
}

/** Anything but a name is kept as one that matches no tenant: a claim is never ignored. */
const tenantName = (claim: unknown): string | null => {
  if (claim === undefined || claim === null) return null;
  return typeof claim === "string" && claim.length <= 100 ? claim : "invalid claim";
};

const invalidToken = (cause: unknown) =>
  new ApiError("unauthenticated", "The token is not acceptable", {
    cause,
    headers: { "www-authenticate": 'Bearer realm="tenantry", error="invalid_token"' },
  });
