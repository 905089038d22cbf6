import { constants, createHmac, createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { JWK } from "jose";
import { signingKey } from "../../scripts/stack/identity-keys.ts";
import type { Stack } from "./stack.ts";

/** Turns what is to be signed into a signature. */
export type Signer = (input: string) => Buffer;

export const rsa =
  (key: KeyObject, hash = "sha256"): Signer =>
  (input) =>
    sign(hash, Buffer.from(input), key);

export const pss =
  (key: KeyObject): Signer =>
  (input) =>
    sign("sha256", Buffer.from(input), {
      key,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    });

export const ecdsa =
  (key: KeyObject): Signer =>
  (input) =>
    sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" });

export const hmac =
  (secret: string | Buffer): Signer =>
  (input) =>
    createHmac("sha256", secret).update(input).digest();

export const unsigned: Signer = () => Buffer.alloc(0);

const encoded = (value: object | string) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/**
 * A token no library would make: any header, any algorithm, and a payload that may be raw text, for
 * what JSON can say and JavaScript cannot.
 */
export function forge(header: object, payload: object | string, signer: Signer): string {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${signer(input).toString("base64url")}`;
}

export type Forger = {
  /** The provider's own key, both halves. */
  readonly jwk: JWK;
  readonly key: KeyObject;
  /** Signed by that key: but for what is changed, a good token. Undefined takes a claim away. */
  genuine(claims: object, headers?: object): string;
  /** All claims right, and the header and the signature somebody else's. */
  foreign(headers: object, signer: Signer): string;
  /** The payload of a good token, with a claim as literal JSON. */
  literal(claim: string, json: string): string;
};

/** Makes tokens of one subject that are wrong in exactly the way the caller says. */
export async function createForger(
  { dataDir, settings }: Stack,
  subject: () => string,
): Promise<Forger> {
  const jwk = await signingKey(dataDir);
  const key = createPrivateKey({ key: jwk as JsonWebKey & Record<string, unknown>, format: "jwk" });
  const header = { alg: "RS256", typ: "at+jwt", kid: jwk.kid };
  const claims = (changed: object = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const { IDP_ISSUER: iss, IDP_AUDIENCE: aud } = settings;
    return { iss, aud, sub: subject(), iat: now, exp: now + 600, ...changed };
  };
  return {
    jwk,
    key,
    genuine: (changed, headers) => forge({ ...header, ...headers }, claims(changed), rsa(key)),
    foreign: (headers, signer) => forge({ ...header, ...headers }, claims(), signer),
    literal: (claim, json) =>
      forge(header, JSON.stringify(claims({ [claim]: "?" })).replace('"?"', json), rsa(key)),
  };
}
