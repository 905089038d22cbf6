import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { join } from "node:path";
import { keptSecret } from "./kept.ts";

export type SqldKeys = { admin: string; jwt: string; jwtPublicFile: string };

/** Made on first use, the same ever after: tokens in the registry outlive a restart. */
export function sqldKeys(dataDir: string): SqldKeys {
  const admin = keptSecret(dataDir, "sqld-admin", () => randomBytes(32).toString("base64url"));
  const jwt = keptSecret(dataDir, "sqld-jwt", () =>
    generateKeyPairSync("ed25519")
      .privateKey.export({ format: "der", type: "pkcs8" })
      .toString("base64"),
  );
  keptSecret(dataDir, "sqld-jwt.pub.pem", () =>
    createPublicKey(signingKey(jwt)).export({ format: "pem", type: "spki" }).toString().trim(),
  );
  return { admin, jwt, jwtPublicFile: join(dataDir, "keys", "sqld-jwt.pub.pem") };
}

const signingKey = (jwtKey: string) =>
  createPrivateKey({ key: Buffer.from(jwtKey, "base64"), format: "der", type: "pkcs8" });
