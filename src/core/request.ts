import { uuidv7 } from "./id.ts";

/** What is known of a request before anyone is authenticated. It ends up in logs and in the audit trail. */
export type RequestContext = {
  readonly requestId: string;
  readonly transactionId: string;
  /** Method and path. */
  readonly action: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** Epoch milliseconds; every row one request writes carries the same moment. */
  readonly now: number;
  /** Keeps work running when the client goes away. */
  readonly keepAlive: (work: Promise<unknown>) => void;
};

/** Work that no client asked for over HTTP. */
export const systemRequest = (
  action: string,
  keepAlive: RequestContext["keepAlive"] = () => {},
): RequestContext => ({
  requestId: `${action}-${uuidv7()}`,
  transactionId: uuidv7(),
  action,
  ip: null,
  userAgent: null,
  now: Date.now(),
  keepAlive,
});

/** Who a verified token speaks for. `email` is null unless the provider verified it. */
export type Identity = {
  readonly kind: "user";
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  readonly name: string | null;
  /** What the token says of the session it belongs to, which may see many tokens. */
  readonly sid: string;
  /** When the token was made, in epoch milliseconds. */
  readonly issuedAt: number;
  /** What the token says about a tenant, an id or a slug; a signal like any other. */
  readonly tenantClaim: string | null;
  /** The provider's organisation the token was made for; a signal too. */
  readonly organizationClaim: string | null;
  /** True only when the claim is the boolean `true`; worth nothing without the registry's row. */
  readonly platformClaim: boolean;
};

/** A token that was made for one tenant is good for no other. */
export const isMadeFor = (
  { tenantClaim, organizationClaim }: Pick<Identity, "tenantClaim" | "organizationClaim">,
  tenant: { readonly id: string; readonly slug: string; readonly organizationId: string | null },
): boolean =>
  (tenantClaim === null || tenantClaim === tenant.id || tenantClaim === tenant.slug) &&
  (organizationClaim === null || organizationClaim === tenant.organizationId);

/** An API key we issued. Whether it is still good, and what for, the tenant it names can tell. */
export type ApiKey = { readonly kind: "key"; readonly tenantId: string; readonly hash: string };

/** A platform admin, as the registry has confirmed them. What they may do in a tenant a grant says. */
export type Operator = Pick<Identity, "issuer" | "subject" | "email"> & {
  readonly kind: "operator";
};

export type Caller = Identity | ApiKey | Operator;

/** Names the caller in logs, and tells them apart where no database is asked. */
export const callerName = (caller: Caller): string =>
  caller.kind === "key"
    ? `key|${caller.tenantId}|${caller.hash.slice(0, 12)}`
    : `${caller.issuer}|${caller.subject}`;
