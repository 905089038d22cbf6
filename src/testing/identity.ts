import { test as base, expect } from "vitest";
import { parseSettings } from "../env.ts";
import type { IdentityProvider } from "../identity/identity-provider.ts";
import { identityProviderOf } from "../ports.backends.ts";
import { type Auth0, startAuth0 } from "./auth0.ts";

/** Each test has an Auth0 of its own, and leaves the contract nowhere. */
export const test = base.extend<{ auth0: Auth0 }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads what a fixture needs off its parameters
  auth0: async ({}, use) => {
    const auth0 = await startAuth0();
    await use(auth0);
    auth0.stop();
    expect(auth0.violations).toEqual([]);
  },
});

const key = Buffer.alloc(32, 7).toString("base64url");
const others = {
  GLOBAL_DATABASE_URL: "https://registry.test",
  GLOBAL_AUTH_TOKEN: "registry-token",
  ENCRYPTION_KEY: `k1:${key}`,
  SECRET_KEY: `s1:${key}`,
  FRONTEND_URL: "https://app.test",
  IDP_ISSUER: "https://login.test/",
  IDP_AUDIENCE: "https://api.test",
  JWKS_URI: "https://login.test/keys",
  SQLD_URL: "https://db.test",
  SQLD_ADMIN_URL: "https://admin.test",
  SQLD_ADMIN_KEY: "admin-key",
  SQLD_JWT_KEY: "jwt-key",
};

type Options = {
  readonly settings?: Record<string, string>;
  readonly timeoutMs?: number;
  readonly get?: typeof fetch;
};

/** The provider as an isolate has it: each call is another isolate. */
export const openProvider = (
  auth0: Pick<Auth0, "settings" | "fetch">,
  { settings = {}, timeoutMs, get = auth0.fetch }: Options = {},
): IdentityProvider =>
  identityProviderOf(parseSettings({ ...others, ...auth0.settings, ...settings }), get, timeoutMs);

export const unmanaged = (): IdentityProvider => identityProviderOf(parseSettings(others), fetch);

export const operations = ({ calls }: Auth0) => calls.map(({ operation }) => operation);

export const ada = {
  email: "ada@acme.test",
  name: "Ada Lovelace",
  organizationId: null,
  returnTo: "https://app.test/welcome",
};
