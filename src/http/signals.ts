import { ApiError, invalidField } from "../core/error.ts";
import { isId } from "../core/id.ts";
import { isReservedSlug, slugPattern } from "../core/slug.ts";

export const resolvers = ["jwt", "subdomain", "header", "composite"] as const;
export type TenancySettings = {
  readonly resolver: (typeof resolvers)[number];
  readonly headerName: string;
  /** The domain whose subdomains are tenants; without one no host names a tenant. */
  readonly baseDomain: string | undefined;
};
type Source = "key" | "jwt" | "organization" | "subdomain" | "header";
type Signals = Partial<Record<Source, string>>;

/** How the provider's organisation names a tenant: never what an id or a slug could be. */
export const organizationName = (organizationId: string | null): string | undefined =>
  organizationId === null ? undefined : `org:${organizationId}`;

type Said = {
  /** The tenant an API key names. */
  readonly key?: string | undefined;
  /** What the token says. */
  readonly tenantClaim?: string | null;
  readonly organizationClaim?: string | null;
  readonly url: string;
  readonly header: string | undefined;
};

/** What the request says about its tenant, in each place that can say it. */
export function signalsOf({ headerName, baseDomain }: TenancySettings, said: Said): Signals {
  const { key, tenantClaim, organizationClaim = null, header } = said;
  const subdomain = baseDomain && tenantLabel(new URL(said.url).hostname, baseDomain);
  if (header !== undefined && !isTenantName(header))
    throw invalidField(`${headerName} is neither the id nor the slug of a tenant`, {
      in: "header",
      path: headerName.toLowerCase(),
      message: "must be the id or slug of a tenant",
    });
  const organization = organizationName(organizationClaim);
  const all = { key, jwt: tenantClaim, organization, subdomain, header };
  // A claim that is there and empty is one that matches no tenant.
  return Object.fromEntries(
    Object.entries(all).filter(([, name]) => name !== undefined && name !== null),
  );
}

/** An API key names its tenant whatever the strategy: it is good for no other. */
const strategies: Record<TenancySettings["resolver"], readonly Source[]> = {
  jwt: ["key", "jwt", "organization"],
  subdomain: ["key", "subdomain"],
  header: ["key", "header"],
  composite: ["key", "jwt", "organization", "subdomain", "header"],
};

/** The name that chooses the tenant under the configured strategy, if it is there, and all names that are. */
export function chooseSignal(
  { resolver }: TenancySettings,
  signals: Signals,
): { chosen: string | undefined; names: string[] } {
  const chosen = strategies[resolver]
    .map((source) => signals[source])
    .find((name) => name !== undefined);
  return { chosen, names: [...new Set(Object.values(signals))] };
}

/** What to answer where a tenant is needed and the configured strategy finds no name. */
export function tenantRequired({ resolver, headerName }: TenancySettings): ApiError {
  const ways = {
    jwt: "use a token that carries the tenant claim",
    subdomain: "call the tenant's subdomain",
    header: `send ${headerName}`,
    composite: `send ${headerName}, call the tenant's subdomain, or use a token with the tenant claim`,
  };
  return new ApiError("tenant_required", `Name the tenant: ${ways[resolver]}`);
}

/** Whether it could be the id or the slug of a tenant. */
export const isTenantName = (name: string) =>
  isId("tenant", name) || (name.length <= 63 && slugPattern.test(name));

/** Exactly one label before the base domain, and one a tenant could own. */
export function tenantLabel(hostname: string, baseDomain: string): string | undefined {
  const host = hostname.toLowerCase().replace(/\.$/, "");
  if (!host.endsWith(`.${baseDomain.toLowerCase()}`)) return undefined;
  const label = host.slice(0, -baseDomain.length - 1);
  return slugPattern.test(label) && !isReservedSlug(label) ? label : undefined;
}
