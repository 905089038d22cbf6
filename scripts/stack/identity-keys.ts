import { generateKeyPairSync, type JsonWebKey, randomBytes } from "node:crypto";
import { calculateJwkThumbprint, type JWK } from "jose";
import { keptSecret } from "./kept.ts";

const newSecret = () => randomBytes(32).toString("base64url");

export const cliSecret = (dataDir: string) =>
  keptSecret(dataDir, "identity-provider-cli", newSecret);

export const cookieSecret = (dataDir: string) =>
  keptSecret(dataDir, "identity-provider-cookies", newSecret);

/** Private and public half of the one key in the JWKS. */
export async function signingKey(dataDir: string): Promise<JWK> {
  const made = keptSecret(dataDir, "identity-provider-jwk", () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    return JSON.stringify(privateKey.export({ format: "jwk" }));
  });
  const jwk = JSON.parse(made) as JsonWebKey & JWK;
  return { ...jwk, alg: "RS256", use: "sig", kid: await calculateJwkThumbprint(jwk) };
}
