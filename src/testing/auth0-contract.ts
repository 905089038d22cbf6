import { z } from "zod";

/*
 * What the product uses of Auth0 as it is published; anything beyond is a violation. Out of
 * github.com/auth0/docs-v2: main/docs/oas/management/v2/management-api-oas.json (post_users,
 * get_users-by-email, get_users_by_id, patch_users_by_id, post_identities, post_password-change,
 * post_members), main/docs/oas/authentication/authentication-api-oas.json (/oauth/token), and of
 * main/docs: authenticate/database-connections/password-options, manage-users/user-search/
 * get-users-by-id-or-email, manage-users/organizations/configure-organizations/assign-members,
 * troubleshoot/…/rate-limit-policy/rate-limit-use-cases. Not published are `errorCode`s and most
 * messages: those are as people quote them in issues and at community.auth0.com.
 */

/** Decoded from one segment, which a bar or a slash as they are would leave. */
const segment = "([^/|]+)";
const subject = z.string().regex(/^[a-z0-9-]+\|.+$/);
/** Of `auth0`, `google-oauth2` and so on, those tests use. */
const provider = z.enum(["auth0", "google-oauth2", "github", "oidc", "samlp", "waad", "oauth2"]);
const fields = {
  fields: z.string().regex(/^\w+(,\w+)*$/),
  include_fields: z.enum(["true", "false"]),
};
const nothing = z.strictObject({});

const operations = {
  getToken: {
    method: "POST",
    path: /^\/oauth\/token$/,
    query: nothing,
    body: z.strictObject({
      grant_type: z.literal("client_credentials"),
      client_id: z.string().min(1),
      client_secret: z.string().min(1),
      audience: z.url(),
    }),
  },
  createUser: {
    method: "POST",
    path: /^\/api\/v2\/users$/,
    query: nothing,
    body: z.strictObject({
      connection: z.string().min(1),
      email: z.email(),
      email_verified: z.boolean(),
      verify_email: z.boolean(),
      name: z.string().min(1).max(300),
      password: z.string().min(1),
      app_metadata: z.record(z.string(), z.unknown()),
    }),
  },
  getUsersByEmail: {
    method: "GET",
    path: /^\/api\/v2\/users-by-email$/,
    query: z.strictObject({ email: z.email(), ...fields }),
    body: z.undefined(),
  },
  getUser: {
    method: "GET",
    path: new RegExp(`^/api/v2/users/${segment}$`),
    query: z.strictObject(fields),
    body: z.undefined(),
  },
  updateUser: {
    method: "PATCH",
    path: new RegExp(`^/api/v2/users/${segment}$`),
    query: nothing,
    body: z.strictObject({ blocked: z.boolean() }),
  },
  linkIdentity: {
    method: "POST",
    path: new RegExp(`^/api/v2/users/${segment}/identities$`),
    query: nothing,
    body: z.strictObject({ provider, user_id: z.string().min(1) }),
  },
  createTicket: {
    method: "POST",
    path: /^\/api\/v2\/tickets\/password-change$/,
    query: nothing,
    // A `result_url` excludes `organization_id`, and a `user_id` excludes `email`.
    body: z.strictObject({
      user_id: subject,
      result_url: z.url(),
      ttl_sec: z.int().min(1).max(432_000),
      mark_email_as_verified: z.boolean(),
      includeEmailInRedirect: z.boolean(),
    }),
  },
  addMembers: {
    method: "POST",
    path: new RegExp(`^/api/v2/organizations/${segment}/members$`),
    query: nothing,
    body: z.strictObject({ members: z.array(subject).min(1).max(10) }),
  },
} as const;

export type Auth0Operation = keyof typeof operations;
/** What was asked, its body as the contract reads it. */
export type Auth0Call = {
  readonly [O in Auth0Operation]: {
    readonly operation: O;
    /** In the path, decoded; empty where it has none. */
    readonly id: string;
    readonly query: z.infer<(typeof operations)[O]["query"]>;
    readonly body: z.infer<(typeof operations)[O]["body"]>;
  };
}[Auth0Operation];

/** The call a request makes, or everything by which it leaves the contract. */
export function readCall(
  method: string,
  url: URL,
  headers: Headers,
  text: string,
): { call: Auth0Call } | { faults: string[] } {
  const said = `${method} ${url.pathname}`;
  const found = Object.entries(operations).find(
    ([, rule]) => rule.method === method && rule.path.test(url.pathname),
  );
  if (!found) return { faults: [`${said} is not in the contract`] };
  const [operation, rule] = found;
  const query = Object.fromEntries(url.searchParams);
  const body: unknown = text === "" ? undefined : JSON.parse(text);
  const authorization = headers.get("authorization");
  const checks = {
    query: rule.query.safeParse(query).success,
    body: rule.body.safeParse(body).success,
    authorization:
      operation === "getToken" ? !authorization : /^Bearer \S+$/.test(authorization ?? ""),
    "content-type": headers.get("content-type") === (body ? "application/json" : null),
  };
  const wrong = Object.entries(checks).filter(([, right]) => !right);
  if (wrong.length > 0) return { faults: wrong.map(([part]) => `${said}: wrong ${part}`) };
  const id = decodeURIComponent(rule.path.exec(url.pathname)?.[1] ?? "");
  return { call: { operation, id, query, body } as Auth0Call };
}

type Failure = { status: number; body: object };

/** A failure as the Management API tells it. */
export const failure = (
  statusCode: number,
  error: string,
  message: string,
  errorCode?: string,
): Failure => ({
  status: statusCode,
  body: { statusCode, error, message, ...(errorCode ? { errorCode } : {}) },
});

/** A failure as the token endpoint tells it. */
export const oauthFailure = (
  status: number,
  error: string,
  error_description: string,
): Failure => ({
  status,
  body: { error, error_description },
});

export const failures = {
  invalidToken: {
    status: 401,
    body: {
      statusCode: 401,
      error: "Unauthorized",
      message: "Invalid token",
      attributes: { error: "Invalid token" },
    },
  },
  missingScope: failure(
    403,
    "Forbidden",
    "Insufficient scope, expected any of: create:users",
    "insufficient_scope",
  ),
  noUser: failure(404, "Not Found", "The user does not exist.", "inexistent_user"),
  noOrganization: failure(404, "Not Found", "No organization found by that id or name"),
  userExists: failure(409, "Conflict", "The user already exists.", "auth0_idp_error"),
  noConnection: failure(
    400,
    "Bad Request",
    "The connection does not exist.",
    "inexistent_connection",
  ),
  disabledConnection: failure(
    400,
    "Bad Request",
    "Connection must be enabled for this client to perform single user creation and signup operations",
    "auth0_idp_error",
  ),
  weakPassword: failure(
    400,
    "Bad Request",
    "PasswordStrengthError: Password is too weak",
    "invalid_password",
  ),
  sameIdentity: failure(400, "Bad Request", "Main identity and the new one are the same."),
  noIdentity: failure(400, "Bad Request", "Linking to an inexistent identity is not allowed."),
  identityExists: failure(
    409,
    "Conflict",
    "Specified identity already exists.",
    "identity_conflict",
  ),
  tooMany: failure(429, "Too Many Requests", "Global limit has been reached", "too_many_requests"),
  wrongClient: oauthFailure(401, "access_denied", "Unauthorized"),
  noGrant: oauthFailure(
    403,
    "access_denied",
    "Client is not authorized to access this audience. You need to create a client-grant",
  ),
  tokenQuota: oauthFailure(429, "too_many_requests", "Client quota exceeded"),
} as const satisfies Record<string, Failure>;

/** Auth0's strictest policy, "Excellent". */
export const isStrong = (password: string): boolean =>
  password.length >= 8 &&
  password.length <= 72 &&
  [/[a-z]/, /[A-Z]/, /\d/, /[!@#$%^&*]/].filter((kind) => kind.test(password)).length >= 3 &&
  !/(.)\1\1/.test(password);
