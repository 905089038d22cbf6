/** Every failure a client can see, in one table. Rendering and OpenAPI both read it. Codes are permanent. */
export const catalogue = {
  invalid_request: { status: 400, title: "The request is malformed" },
  tenant_required: { status: 400, title: "The request names no tenant" },
  account_required: { status: 400, title: "The request names no account" },
  unauthenticated: { status: 401, title: "Credentials are missing or invalid" },
  session_revoked: { status: 401, title: "The session was ended" },
  forbidden: { status: 403, title: "The caller lacks the right to do this" },
  tenant_forbidden: { status: 403, title: "No such tenant for this caller" },
  tenant_mismatch: { status: 403, title: "The request names more than one tenant" },
  tenant_suspended: { status: 403, title: "The tenant is suspended" },
  tenant_deleting: { status: 403, title: "The tenant is being deleted" },
  user_suspended: { status: 403, title: "The user is suspended in this tenant" },
  account_forbidden: { status: 403, title: "No such account for this caller" },
  feature_disabled: { status: 403, title: "The tenant does not have this feature" },
  quota_exceeded: { status: 403, title: "There are as many as there may be" },
  invitation_email_mismatch: { status: 403, title: "The invitation is for another e-mail address" },
  verified_email_required: { status: 403, title: "The token proves no e-mail address" },
  not_found: { status: 404, title: "No such resource" },
  method_not_allowed: { status: 405, title: "The resource does not know this method" },
  conflict: { status: 409, title: "The resource is not in a state for this" },
  slug_taken: { status: 409, title: "The slug is taken" },
  email_taken: { status: 409, title: "The e-mail address is taken" },
  name_taken: { status: 409, title: "The name is taken" },
  domain_taken: { status: 409, title: "The domain is taken" },
  already_member: { status: 409, title: "The person is a member already" },
  invitation_pending: { status: 409, title: "An invitation is on its way already" },
  invitation_used: { status: 409, title: "The invitation was used" },
  identity_taken: { status: 409, title: "The identity is linked already" },
  last_identity: { status: 409, title: "A user keeps at least one identity" },
  organization_taken: { status: 409, title: "The organisation names another tenant" },
  backups_off: { status: 409, title: "This deployment keeps no backups" },
  identity_management_off: { status: 409, title: "This deployment does not manage the provider" },
  tenant_limit_reached: { status: 409, title: "The caller owns as many tenants as allowed" },
  last_owner: { status: 409, title: "A tenant keeps at least one active owner" },
  migration_running: { status: 409, title: "A migration of the fleet is going on" },
  idempotency_in_flight: { status: 409, title: "The same request is being worked on" },
  invitation_expired: { status: 410, title: "The invitation has expired" },
  invitation_revoked: { status: 410, title: "The invitation was withdrawn" },
  precondition_failed: { status: 412, title: "The resource changed in the meantime" },
  payload_too_large: { status: 413, title: "The body is too large" },
  unsupported_media_type: { status: 415, title: "The body must be JSON" },
  idempotency_mismatch: { status: 422, title: "The Idempotency-Key belongs to another request" },
  precondition_required: { status: 428, title: "The request must be conditional" },
  internal_error: { status: 500, title: "Internal server error" },
  tenant_credentials_unreadable: { status: 500, title: "The tenant's credentials cannot be read" },
  config_invalid: { status: 503, title: "The service is not configured" },
  schema_outdated: { status: 503, title: "The tenant's database is being brought up to date" },
  schema_ahead: { status: 503, title: "The tenant's database is too new for this deployment" },
  dependency_unavailable: { status: 503, title: "A dependency does not answer" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof catalogue;

/** One thing wrong with the request: where, which field, and what would be right. */
export type FieldError = {
  readonly in: "body" | "query" | "path" | "header";
  readonly path: string;
  readonly message: string;
};

type Options = {
  cause?: unknown;
  errors?: readonly FieldError[];
  /** Sent as they are, for instance `Retry-After` or `Allow`. */
  headers?: Readonly<Record<string, string>>;
};

/** The only error a client ever sees. `detail` is for the client, `cause` for the log. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, detail: string, options: Options = {}) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }

  get status() {
    return catalogue[this.code].status;
  }
}

/** One field of the request is wrong. */
export const invalidField = (detail: string, error: FieldError) =>
  new ApiError("invalid_request", detail, { errors: [error] });

/** A dependency that is down or slow: 503 with a time to come back, in seconds. */
export const unavailable = (detail: string, cause?: unknown, retryAfter = 2) =>
  new ApiError("dependency_unavailable", detail, {
    cause,
    headers: { "retry-after": String(retryAfter) },
  });
