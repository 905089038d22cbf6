import { importPKCS8, SignJWT } from "jose";
import { Secret } from "../core/secret.ts";
import { ask, asUnavailable, type Door } from "../remote/ask.ts";
import { assertDatabaseName, type Platform } from "./platform.ts";

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

export const sqldLocator =
  (url: string): Platform["locate"] =>
  (name) => ({ url, namespace: name });

/** A self-hosted sqld: one address, a namespace per database, tokens we sign ourselves. */
export const sqldPlatform = (settings: SqldSettings): Platform => ({
  async ensureDatabase(name) {
    assertDatabaseName(name);
    const { adminUrl: url, adminKey: secret, fetch, timeoutMs } = settings;
    const key = { scheme: "Basic", secret } as const;
    const door: Door = { name: "The database platform", url, fetch, key };
    const question = { method: "POST", path: `/v1/namespaces/${name}/create`, body: {} } as const;
    const reply = await ask(door, question, Date.now() + timeoutMs);
    const { status, text } = reply;
    if (status === 200 || (status === 400 && text.includes("already exists"))) return null;
    throw asUnavailable(door, reply);
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

  locate: sqldLocator(settings.url),
});
