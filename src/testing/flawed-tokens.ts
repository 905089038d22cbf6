import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { ecdsa, type Forger, forge, hmac, pss, rsa, unsigned } from "./forgery.ts";
import { newSigningKey } from "./key-server.ts";

const now = () => Math.floor(Date.now() / 1000);
const ellipticKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

/** Every way we know to be a bad token, by what follows "a token …"; each has only that one flaw. */
export function flawedTokens(
  { jwk, key, genuine, foreign, literal }: Forger,
  { issuer, audience }: { issuer: string; audience: string },
): Record<string, () => string> {
  const publicKey = createPublicKey(key);
  const attacker = newSigningKey();
  const stranger = rsa(attacker.privateKey);
  return {
    "that is a word": () => "token",
    "of two parts": () => genuine({}).split(".").slice(0, 2).join("."),
    "of five parts": () => `${genuine({})}.e30.e30`,
    "of empty parts": () => "..",
    "whose header is no JSON": () => genuine({}).replace(/^[^.]+/, "bm9uc2Vuc2U"),
    "whose payload is no JSON": () => forge({ alg: "RS256", kid: jwk.kid }, "nonsense", rsa(key)),
    "whose payload is a list": () =>
      forge({ alg: "RS256", kid: jwk.kid }, [{ sub: "a" }], rsa(key)),
    "whose payload is null": () => forge({ alg: "RS256", kid: jwk.kid }, "null", rsa(key)),
    "with another payload under its signature": () =>
      genuine({}).replace(/\.[^.]+\./, `.${genuine({ sub: "somebody" }).split(".")[1]}.`),
    "with base64 padding": () => `${genuine({})}==`,
    "with 100 KB of claims": () => genuine({ note: "x".repeat(75_000) }),
    "just above the length allowed": () => genuine({ note: "x".repeat(6000) }),

    "signed by a stranger under our key id": () => foreign({}, stranger),
    "with alg none": () => foreign({ alg: "none" }, unsigned),
    "with alg None": () => foreign({ alg: "None" }, unsigned),
    "without alg": () => foreign({ alg: undefined }, rsa(key)),
    "with a list of alg": () => foreign({ alg: ["RS256"] }, rsa(key)),
    "with RS256 and no signature": () => foreign({}, unsigned),
    "with HS256 over the public key as PEM": () =>
      foreign({ alg: "HS256" }, hmac(publicKey.export({ type: "spki", format: "pem" }))),
    "with HS256 over the public key as JWK": () =>
      foreign({ alg: "HS256" }, hmac(JSON.stringify(publicKey.export({ format: "jwk" })))),
    "with HS256 over the public key's modulus": () =>
      foreign({ alg: "HS256" }, hmac(Buffer.from(jwk.n ?? "", "base64url"))),
    "with RS384": () => foreign({ alg: "RS384" }, rsa(key, "sha384")),
    "with RS512": () => foreign({ alg: "RS512" }, rsa(key, "sha512")),
    "with PS256": () => foreign({ alg: "PS256" }, pss(key)),
    "with ES256": () => foreign({ alg: "ES256" }, ecdsa(ellipticKey())),

    "with an unknown key id": () => foreign({ kid: attacker.kid }, stranger),
    "without key id": () => genuine({}, { kid: undefined }),
    "whose key id is a number": () => genuine({}, { kid: 1 }),
    "whose key id is a path": () => foreign({ kid: "../../../dev/null" }, hmac("")),
    "whose key id is long": () => foreign({ kid: "k".repeat(201) }, stranger),
    "that brings its key": () => foreign({ kid: attacker.kid, jwk: attacker.jwk }, stranger),
    "that brings its key under our key id": () => foreign({ jwk: attacker.jwk }, stranger),
    "that brings its certificate": () => foreign({ x5c: ["MIIB"] }, stranger),
    "of the provider with a key of its own": () => genuine({}, { jwk: attacker.jwk }),
    "of the provider with a certificate": () => genuine({}, { x5c: ["MIIB"] }),
    "with a critical extension": () => genuine({}, { crit: ["b64"], b64: true }),

    "of the type of an ID token": () => genuine({}, { typ: "id+jwt" }),
    "of the type of a logout token": () => genuine({}, { typ: "logout+jwt" }),
    "with a nonce, as only ID tokens have": () => genuine({ nonce: "n" }),
    "with at_hash, as only ID tokens have": () => genuine({ at_hash: "h" }),
    "with s_hash, as only ID tokens have": () => genuine({ s_hash: "h" }),
    "with c_hash, as only ID tokens have": () => genuine({ c_hash: "h" }),

    "that has expired": () => genuine({ exp: now() - 60 }),
    "that never expires": () => genuine({ exp: undefined }),
    "whose exp is text": () => genuine({ exp: `${now() + 600}` }),
    "whose exp is beyond all numbers": () => literal("exp", "1e400"),
    "whose exp is zero": () => genuine({ exp: 0 }),
    "whose exp is null": () => genuine({ exp: null }),
    "not valid yet": () => genuine({ nbf: now() + 60 }),
    "whose nbf is text": () => genuine({ nbf: "now" }),
    "without iat": () => genuine({ iat: undefined }),
    "whose iat is text": () => genuine({ iat: "now" }),
    "of another issuer": () => genuine({ iss: "https://evil.test" }),
    "of our issuer with a slash": () => genuine({ iss: `${issuer}/` }),
    "whose issuer is a list": () => genuine({ iss: [issuer] }),
    "without issuer": () => genuine({ iss: undefined }),
    "for another audience": () => genuine({ aud: "https://other.test" }),
    "for an audience that starts like ours": () => genuine({ aud: `${audience}.evil.test` }),
    "for other audiences": () => genuine({ aud: ["https://a.test", "https://b.test"] }),
    "without audience": () => genuine({ aud: undefined }),
    "without subject": () => genuine({ sub: undefined }),
    "whose subject is empty": () => genuine({ sub: "" }),
    "whose subject is a list": () => genuine({ sub: ["somebody"] }),
    "whose subject is a number": () => genuine({ sub: 7 }),
    "whose subject holds NUL": () => genuine({ sub: "a\u0000b" }),
    "whose subject holds a line break": () => genuine({ sub: "a\nb" }),
    "whose subject is too long": () => genuine({ sub: "s".repeat(256) }),
  };
}
