import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ApiError, invalidField } from "../core/error.ts";
import { text } from "../core/text.ts";
import { type PublicEnv, publicRouter } from "./context.ts";
import { forEveryone } from "./guard.ts";
import { describeCauses, log } from "./log.ts";
import { loginTags } from "./login-config.ts";
import { declare, errors } from "./openapi.ts";
import { isTenantName, tenantLabel } from "./signals.ts";

const patienceMs = 2000;

const printable = (min: number, max: number) =>
  z
    .string()
    .min(min)
    .max(max)
    .regex(/^[\x20-\x7e]*$/, "must be printable ASCII");

/** Names of OAuth 2.0 and OpenID Connect: apps build this query with the libraries they have. */
const LoginQuery = z.object({
  redirect_uri: z
    .string()
    .max(2000)
    .openapi({ description: "A page of an origin this deployment lists: where the code goes." }),
  state: printable(8, 500).openapi({ description: "Comes back with the code: compare it." }),
  code_challenge: z
    .string()
    .regex(/^[\w.~-]{43,128}$/, "must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~")
    .openapi({ description: "base64url of the verifier's SHA-256 (RFC 7636)." }),
  code_challenge_method: z.enum(["S256"]).optional(),
  nonce: printable(1, 500).optional(),
  scope: printable(1, 500)
    .regex(/^[^ "\\]+( [^ "\\]+)*$/, "must be names with one space between them")
    .refine((scopes) => scopes.split(" ").includes("openid"), "must contain openid")
    .optional()
    .openapi({ description: "In the place of the deployment's own." }),
  prompt: z.enum(["none", "login", "consent", "select_account"]).optional(),
  login_hint: text(254).optional().openapi({ description: "The e-mail address to offer." }),
  screen_hint: z.enum(["signup", "login"]).optional(),
  tenant: z
    .string()
    .max(100)
    .optional()
    .openapi({
      description:
        "The id or slug of the tenant to log in to, unless the host names it. Logs in to the provider's " +
        "organisation where the tenant has one; an unknown tenant changes nothing.",
    }),
});

export const login = publicRouter();

login.openapi(
  createRoute({
    ...forEveryone(),
    method: "get",
    path: "/auth/login",
    operationId: "startLogin",
    summary: "Go and log in at the provider: code flow with PKCE",
    description:
      "Open it as a page. The provider sends the code to `redirect_uri`; exchange it, with your verifier, at " +
      "the token endpoint that `GET /api/v1/auth/config` names. Where `features.login` is false there is " +
      "nothing here.",
    tags: loginTags,
    request: { query: LoginQuery },
    responses: {
      302: { description: "The provider's login", headers: declare("Location") },
      ...errors(
        "invalid_request",
        "not_found",
        "payload_too_large",
        "internal_error",
        "dependency_unavailable",
        "config_invalid",
      ),
    },
  }),
  async (c) => {
    const { ports, request } = c.var;
    const { clientId, audience, scopes, isCallback } = ports.login;
    if (clientId === null)
      throw new ApiError("not_found", "This deployment names no client to log in with");
    const { tenant, ...asked } = c.req.valid("query");
    if (!isCallback(asked.redirect_uri)) throw noCallback();
    const name = tenantNamed(c, tenant);
    const [metadata, organization] = await Promise.all([
      ports.provider(request.keepAlive),
      name === undefined ? undefined : findOrganization(c, name),
    ]);
    const url = addressOf(metadata.authorization_endpoint, {
      client_id: clientId,
      response_type: "code",
      audience,
      scope: scopes.join(" "),
      ...asked,
      code_challenge_method: "S256",
      organization,
      // Auth0 hands what begins with `ext-` to its login page; others do not know it.
      "ext-tenant": name,
    });
    return c.redirect(url, 302);
  },
);

const noCallback = () =>
  invalidField("redirect_uri is no page this deployment logs in to", {
    in: "query",
    path: "redirect_uri",
    message: "must be a page of an origin this deployment lists",
  });

/** What the query names, or the host. What cannot be a tenant is named by nobody. */
function tenantNamed(c: Context<PublicEnv>, asked: string | undefined): string | undefined {
  const { baseDomain } = c.var.ports.tenancy;
  if (asked !== undefined) return isTenantName(asked) ? asked : undefined;
  return baseDomain && tenantLabel(new URL(c.req.url).hostname, baseDomain);
}

/**
 * The provider's organisation of a tenant. A tenant nobody knows is one without; and a registry that is
 * down or slow keeps nobody from logging in.
 */
async function findOrganization(c: Context<PublicEnv>, name: string): Promise<string | undefined> {
  const { ports, request } = c.var;
  const slow = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error("the registry is slow")), patienceMs),
  );
  try {
    const route = await Promise.race([ports.findTenant(ports.openRegistry(c.var), name), slow]);
    return route?.organizationId ?? undefined;
  } catch (error) {
    const { requestId } = request;
    log("warn", "login_without_organization", { requestId, causes: describeCauses(error) });
    return undefined;
  }
}

function addressOf(endpoint: string, query: Record<string, string | undefined>): string {
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}
