import { importPKCS8, SignJWT } from "jose";
import { unavailable } from "../core/error.ts";
import { Secret } from "../core/secret.ts";
import type { Platform } from "./platform.ts";

export type SqldSettings = {
  readonly url: string;
  readonly adminUrl: string;
  readonly adminKey: Secret;
  /** Ed25519 private key, PKCS #8 in base64, whose public half sqld was started with. */
  readonly jwtKey: Secret;
  readonly tokenDays: number;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
};

/** A self-hosted sqld: one address, a namespace per database, tokens we sign ourselves. */
export const sqldPlatform = (settings: SqldSettings): Platform => ({
  async ensureDatabase(name) {
    const url = `${settings.adminUrl.replace(/\/$/, "")}/v1/namespaces/${name}/create`;
    const response = await settings
      .fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `Basic ${settings.adminKey.reveal()}`,
        },
        body: "{}",
        redirect: "manual",
        signal: AbortSignal.timeout(settings.timeoutMs),
      })
      .catch((error) => {
        throw unavailable("The database platform does not answer", error);
      });
    const answer = await response.text();
    if (response.ok || (response.status === 400 && answer.includes("already exists"))) return null;
    throw unavailable("The database platform refuses to create a database", {
      status: response.status,
    });
  },

  async mintToken(name) {
    const expiresAt = Date.now() + settings.tokenDays * 86_400_000;
    const pem = `-----BEGIN PRIVATE KEY-----\n${settings.jwtKey.reveal()}\n-----END PRIVATE KEY-----`;
    const key = await importPKCS8(pem, "EdDSA");
    // Without `p` the token would open every database there is.
    const token = await new SignJWT({ p: { rw: { ns: [name] } } })
      .setProtectedHeader({ alg: "EdDSA" })
      .setExpirationTime(Math.floor(expiresAt / 1000))
      .sign(key);
    return { token: new Secret(token), expiresAt };
  },

  locate: (name) => ({ url: settings.url, namespace: name }),
});
