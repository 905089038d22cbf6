/** What is known of a request before anyone is authenticated. It ends up in logs and in the audit trail. */
export type RequestContext = {
  readonly requestId: string;
  readonly transactionId: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** Epoch milliseconds; every row one request writes carries the same moment. */
  readonly now: number;
  /** Keeps work running when the client goes away. */
  readonly keepAlive: (work: Promise<unknown>) => void;
};

/** Who a verified token speaks for. `email` is null unless the provider verified it. */
export type Identity = {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  readonly name: string | null;
  /** What the token says about a tenant, an id or a slug; a signal like any other. */
  readonly tenantClaim: string | null;
  /** True only when the claim is the boolean `true`; worth nothing without the registry's row. */
  readonly platformClaim: boolean;
};
