import { type Context, errors, type Provider } from "oidc-provider";

/** How the command line gets the token of anybody: a grant only its confidential client may use. */
export const personGrant = "urn:tenantry:grant:person";
export const claimNamespace = "https://tenantry.dev/";
export const scope = "openid profile email";
export const tokenSeconds = 3600;

export const resourceServer = (audience: string) => ({
  audience,
  scope,
  accessTokenTTL: tokenSeconds,
  accessTokenFormat: "jwt",
  jwt: { sign: { alg: "RS256" } },
});

export function registerPersonGrant(provider: Provider, audience: string): void {
  const answer = async (context: Context) => {
    const { person, ttl = `${tokenSeconds}` } = context.oidc.params;
    if (!person) throw new errors.InvalidRequest("person is missing");
    if (!/^-?\d{1,10}$/.test(ttl)) throw new errors.InvalidRequest("ttl must be whole seconds");
    claimsAskedFor(context);
    const lifetime = Number(ttl);
    const now = Math.floor(Date.now() / 1000);
    const exp = now + lifetime;
    // What has expired was once issued: its times must not contradict each other.
    const iat = lifetime > 0 ? now : exp - tokenSeconds;
    const token = new provider.AccessToken({
      accountId: person,
      client: context.oidc.client,
      gty: "person",
      scope,
      iat,
      exp,
    });
    token.resourceServer = new provider.ResourceServer(audience, resourceServer(audience));
    context.body = {
      access_token: await token.save(),
      token_type: "Bearer",
      expires_in: lifetime,
      scope,
    };
  };
  provider.registerGrantType(personGrant, answer, ["person", "tenant", "ttl", "claims"]);
}

/** What the request wants in the token besides who the person is; null takes a claim away. */
export function claimsAskedFor({ oidc: { params } }: Context): Record<string, unknown> {
  if (params["grant_type"] !== personGrant) return {};
  const { tenant, claims = "{}" } = params;
  return { ...(tenant ? { [`${claimNamespace}tenant_id`]: tenant } : {}), ...parsed(claims) };
}

function parsed(claims: string): object {
  try {
    const value: unknown = JSON.parse(claims);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Answered below.
  }
  throw new errors.InvalidRequest("claims must be a JSON object");
}
