import { randomBytes } from "node:crypto";
import { type IdentityProvider, startIdentityProvider } from "./identity-provider.ts";
import { keptSecret } from "./kept.ts";
import { people } from "./people.ts";
import { appClientId } from "./provider-rules.ts";
import { createNamespace, mintToken, type Sqld, startSqld } from "./sqld.ts";

export type Backends = {
  /** What the Worker reads from its environment. */
  settings: Record<string, string>;
  sqld: Sqld;
  provider: IdentityProvider;
  stop(): Promise<void>;
};

export const audience = "https://api.tenantry.test";
const registry = "registry";
const yearSeconds = 365 * 86_400;

/** Everything the Worker depends on, as real programs on loopback whose state is in the data directory. */
export async function startBackends({
  dataDir,
  onSqldLine = () => {},
}: {
  dataDir: string;
  onSqldLine?: (line: string) => void;
}): Promise<Backends> {
  const sqld = await startSqld({ dataDir, onLine: onSqldLine });
  try {
    await createNamespace(sqld, registry);
    const provider = await startIdentityProvider({ dataDir, audience, people });
    const stop = async () => {
      await Promise.all([provider.stop(), sqld.stop()]);
    };
    return { settings: await settingsOf(dataDir, sqld, provider), sqld, provider, stop };
  } catch (error) {
    await sqld.stop();
    throw error;
  }
}

async function settingsOf(dataDir: string, sqld: Sqld, provider: IdentityProvider) {
  return {
    GLOBAL_DATABASE_URL: sqld.url,
    GLOBAL_DATABASE_NAMESPACE: registry,
    GLOBAL_AUTH_TOKEN: await mintToken(sqld, registry, yearSeconds),
    ENCRYPTION_KEY: keptSecret(
      dataDir,
      "encryption-key",
      () => `k1:${randomBytes(32).toString("base64url")}`,
    ),
    SECRET_KEY: keptSecret(
      dataDir,
      "secret-key",
      () => `k1:${randomBytes(32).toString("base64url")}`,
    ),
    FRONTEND_URL: "http://localhost:3000",
    MAIL_FROM: "no-reply@tenantry.test",
    IDP_ISSUER: provider.issuer,
    IDP_AUDIENCE: audience,
    JWKS_URI: provider.jwksUrl,
    IDP_CLIENT_ID: appClientId,
    BASE_DOMAIN: "localhost",
    CORS_ALLOW_ORIGINS: "http://localhost:3000,http://localhost:5173",
    SQLD_URL: sqld.url,
    SQLD_ADMIN_URL: sqld.adminUrl,
    SQLD_ADMIN_KEY: sqld.adminKey,
    SQLD_JWT_KEY: sqld.jwtKey,
  };
}
