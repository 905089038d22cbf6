import { createRoute, z } from "@hono/zod-openapi";
import { publicRouter } from "./context.ts";
import { forEveryone } from "./guard.ts";
import { errors, json, tag } from "./openapi.ts";
import { resolvers } from "./signals.ts";

/** What deployment and provider settings mean for people who log in; nothing here is secret. */
export type LoginSettings = {
  readonly issuer: string;
  readonly audience: string;
  readonly clientId: string | null;
  readonly scopes: readonly string[];
  /** Whether a login may lead back to this address. */
  readonly isCallback: (uri: string) => boolean;
  readonly features: {
    readonly login: boolean;
    readonly identityManagement: boolean;
    readonly mail: boolean;
  };
};

export const loginTags = tag("Login", "What an app needs to log people in: code flow with PKCE.");

const LoginConfig = z
  .object({
    issuer: z.string(),
    audience: z.string(),
    clientId: z.string().nullable(),
    scopes: z.array(z.string()),
    endpoints: z.object({
      authorization: z.url(),
      token: z.url(),
      userinfo: z.url().nullable(),
      endSession: z.url().nullable(),
      jwks: z.url(),
    }),
    codeChallengeMethod: z.enum(["S256"]),
    tenantHeader: z.string(),
    tenantResolver: z.enum(resolvers),
    features: z.object({
      login: z.boolean(),
      identityManagement: z.boolean(),
      mail: z.boolean(),
    }),
  })
  .openapi("LoginConfig", {
    description:
      "`features` tells what this deployment is set up for: `login` that it names a client to log in with, " +
      "`identityManagement` that it creates people at the provider, `mail` that it sends mails.",
  });

export const loginConfig = publicRouter();

loginConfig.openapi(
  createRoute({
    ...forEveryone(),
    method: "get",
    path: "/auth/config",
    operationId: "getLoginConfig",
    summary: "All an app needs to log people in at the provider by itself",
    tags: loginTags,
    responses: {
      200: json(
        LoginConfig,
        "The provider, the client to use there, and how to name a tenant here",
      ),
      ...errors("payload_too_large", "internal_error", "dependency_unavailable", "config_invalid"),
    },
  }),
  async (c) => {
    const { ports, request } = c.var;
    const { issuer, audience, clientId, scopes, features } = ports.login;
    const metadata = await ports.provider(request.keepAlive);
    return c.json(
      {
        issuer,
        audience,
        clientId,
        scopes: [...scopes],
        endpoints: {
          authorization: metadata.authorization_endpoint,
          token: metadata.token_endpoint,
          userinfo: metadata.userinfo_endpoint ?? null,
          endSession: metadata.end_session_endpoint ?? null,
          jwks: metadata.jwks_uri,
        },
        codeChallengeMethod: "S256" as const,
        tenantHeader: ports.tenancy.headerName,
        tenantResolver: ports.tenancy.resolver,
        features,
      },
      200,
    );
  },
);
