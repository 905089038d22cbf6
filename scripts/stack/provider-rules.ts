import type { JWK } from "jose";
import { type Context, errors, type Token } from "oidc-provider";
import { createMemoryAdapter } from "oidc-provider/lib/adapters/memory_adapter.js";
import { cliSecret, cookieSecret } from "./identity-keys.ts";
import { type Person, personOf, subjectOf } from "./people.ts";
import {
  claimNamespace,
  claimsAskedFor,
  personGrant,
  resourceServer,
  scope,
  tokenSeconds,
} from "./person-grant.ts";
import { signInPath, signOutPages } from "./sign-in.ts";

type Options = { dataDir: string; audience: string; people: Person[] };

/** The client of single-page apps: public, so the whole proof is PKCE. */
export const appClientId = "tenantry-spa";
const pages = ["http://localhost:3000", "http://127.0.0.1:3000", "http://localhost:5173"];
const daySeconds = 86_400;

/** What the provider is told: two clients, one API, and the people. */
export function providerRules({ dataDir, audience, people }: Options, key: JWK) {
  return {
    adapter: createMemoryAdapter(),
    jwks: { keys: [key] },
    cookies: { keys: [cookieSecret(dataDir)] },
    clients: [
      {
        client_id: appClientId,
        token_endpoint_auth_method: "none",
        redirect_uris: pages.map((page) => `${page}/callback`),
        post_logout_redirect_uris: pages,
      },
      {
        client_id: "tenantry-cli",
        client_secret: cliSecret(dataDir),
        grant_types: [personGrant],
        response_types: [],
        redirect_uris: [],
      },
    ],
    clientBasedCORS: (_context: unknown, origin: string) => pages.includes(origin),
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    conformIdTokenClaims: false,
    responseTypes: ["code"],
    interactions: {
      url: (_context: Context, { uid }: { uid: string }) => `${signInPath}${uid}`,
    },
    // The app is our own: nobody is asked whether it may see what it is for.
    loadExistingGrant: async ({ oidc: { provider, account, client } }: Context) => {
      const grant = new provider.Grant({ ...account, clientId: client.clientId });
      grant.addOIDCScope(scope);
      grant.addResourceScope(audience, scope);
      await grant.save();
      return grant;
    },
    findAccount: (_context: unknown, subject: string) => {
      const person = personOf(people, subject);
      return person && { accountId: subject, claims: () => identityClaims(person) };
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: true, ...signOutPages },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context: unknown, resource: string) => {
          if (resource !== audience) throw new errors.InvalidTarget();
          return resourceServer(audience);
        },
      },
    },
    formats: {
      customizers: {
        jwt: (context: Context, token: Token, jwt: { payload: Record<string, unknown> }) => {
          const person = personOf(people, token.accountId ?? "");
          if (!person) throw new errors.InvalidRequest("person must be an e-mail address");
          const claims = {
            ...identityClaims(person),
            sid: token.sessionUid ?? null,
            ...claimsAskedFor(context),
          };
          for (const [name, value] of Object.entries(claims))
            jwt.payload[name] = value === null ? undefined : value;
        },
      },
    },
    renderError: (context: Context, fault: object) => {
      context.body = fault;
    },
    ttl: {
      AccessToken: tokenSeconds,
      IdToken: tokenSeconds,
      Interaction: tokenSeconds,
      Session: daySeconds,
      Grant: daySeconds,
    },
  };
}

const identityClaims = (person: Person) => ({
  sub: subjectOf(person.email),
  email: person.email,
  email_verified: true,
  name: person.name,
  ...(person.platformAdmin ? { [`${claimNamespace}global_admin`]: true } : {}),
});
