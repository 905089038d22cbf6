import { z } from "zod";
import { ApiError } from "./core/error.ts";
import { Secret } from "./core/secret.ts";
import type { Bucket } from "./object-store/r2.ts";

const placeholder =
  /^(\w+:\/\/)?(change-?me|your[-_].*|<.*>|\.{3}|x{3,}|todo|placeholder|replace.*)$/i;
const value = z
  .string()
  .trim()
  .min(1, "is empty")
  .refine((text) => !placeholder.test(text), "is still the placeholder of the example");
const secret = value.transform((text) => new Secret(text));
/** Some runtimes quote a header they refuse in the error, and so the secret in it. */
const headerSecret = value
  .regex(/^[\x21-\x7e]+$/, "holds characters no HTTP header may")
  .transform((text) => new Secret(text));
const url = value.pipe(z.url({ protocol: /^(https?|libsql)$/ }));
const web = value.pipe(z.url({ protocol: /^https?$/ }));
const domain = value.pipe(z.hostname().refine((text) => !text.endsWith("."), "ends in a dot"));
const name = value.pipe(z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/));
const whole = (fallback: number, min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .default(fallback);
const flag = z.enum(["true", "false"]).transform((text) => text === "true");
const path = (fallback: string) =>
  z
    .string()
    .regex(/^(\/[\w./-]*)?$/, "must be a path, or empty to switch it off")
    .default(fallback);
const list = z
  .string()
  .default("")
  .transform((text) => text.split(/[\s,]+/).filter(Boolean));

/** `kid:base64url` pairs, the first one seals, all of them open. */
const keyRing = value
  .transform((text) => text.split(",").map((pair) => pair.trim().split(":")))
  .pipe(
    z
      .array(z.tuple([z.string().regex(/^[\w-]{1,32}$/), z.string().regex(/^[\w-]{43}=?$/)]))
      .min(1, "needs at least one kid:key pair"),
  )
  .transform((pairs) => pairs.map(([kid, key]) => ({ kid, key: new Secret(key) })));

type Placement = { readonly region: string | null; readonly group: string };
type Placements = readonly [Placement, ...Placement[]];

/** `region:group` pairs, the first of which is for whoever names no region. */
const placements = value
  .regex(
    /^[a-z0-9][a-z0-9-]{0,63}:[a-z0-9][a-z0-9-]{0,63}(\s*,\s*[a-z0-9][a-z0-9-]{0,63}:[a-z0-9][a-z0-9-]{0,63})*$/,
    {
      error: "needs region:group pairs, comma-separated",
      abort: true,
    },
  )
  .transform((text) => text.split(/[\s,]+/).map((pair) => pair.split(":")))
  .refine((pairs) => new Set(pairs.map(([region]) => region)).size === pairs.length, {
    error: "names a region twice",
  })
  .transform(
    (pairs) => pairs.map(([region, group]) => ({ region, group })) as unknown as Placements,
  );

const Vars = z.object({
  PROJECT_NAME: value.default("Tenantry"),
  GLOBAL_DATABASE_URL: url,
  GLOBAL_DATABASE_NAMESPACE: value.optional(),
  GLOBAL_AUTH_TOKEN: headerSecret,
  ENCRYPTION_KEY: keyRing,
  SECRET_KEY: keyRing,
  FRONTEND_URL: web,
  MAIL_FROM: z.email().optional(),
  AUTH0_DOMAIN: domain.optional(),
  AUTH0_AUDIENCE: value.optional(),
  AUTH0_CLIENT_ID: value.optional(),
  AUTH0_CONNECTION: value.default("Username-Password-Authentication"),
  AUTH0_MANAGEMENT_URL: web.optional(),
  AUTH0_MANAGEMENT_CLIENT_ID: value.optional(),
  AUTH0_MANAGEMENT_CLIENT_SECRET: secret.optional(),
  IDP_ISSUER: web.optional(),
  IDP_AUDIENCE: value.optional(),
  JWKS_URI: web.optional(),
  IDP_CLIENT_ID: value.optional(),
  IDP_SCOPES: value.default("openid profile email"),
  ORGANIZATION_CLAIM: z
    .string()
    .regex(/^[\w:/.-]{0,100}$/, "is not the name of a claim")
    .default("org_id"),
  CLAIM_NAMESPACE: z.string().default("https://tenantry.dev/"),
  DEFAULT_TENANT_RESOLVER: z.enum(["jwt", "subdomain", "header", "composite"]).default("composite"),
  TENANT_HEADER_NAME: z
    .string()
    .regex(/^[A-Za-z][\w-]{1,63}$/)
    .default("X-Tenant-ID"),
  BASE_DOMAIN: domain.optional(),
  MAX_TENANTS_PER_USER: whole(5, 0, 10_000),
  MAX_API_KEYS: whole(100, 0, 10_000),
  ACCESS_GRANT_MAX_MINUTES: whole(480, 5, 10_080),
  DELETION_GRACE_DAYS: whole(30, 0, 3650),
  TENANT_SLUG_MIN_LENGTH: whole(3, 1, 63),
  TENANT_SLUG_MAX_LENGTH: whole(50, 1, 63),
  CORS_ALLOW_ORIGINS: list,
  CORS_ALLOW_CREDENTIALS: flag.default(false),
  DOCS_URL: path("/docs"),
  REDOC_URL: path("/redoc"),
  OPENAPI_URL: path("/openapi.json"),
  PLATFORM: z.enum(["sqld", "turso"]).default("sqld"),
  SQLD_URL: url.optional(),
  SQLD_ADMIN_URL: url.optional(),
  SQLD_ADMIN_KEY: headerSecret.optional(),
  SQLD_JWT_KEY: secret.optional(),
  TURSO_API_URL: url.default("https://api.turso.tech"),
  TURSO_API_TOKEN: headerSecret.optional(),
  TURSO_ORGANIZATION: name.optional(),
  TURSO_GROUP: name.optional(),
  TURSO_GROUPS: placements.optional(),
  DATABASE_TOKEN_DAYS: whole(365, 1, 3650),
  WARM_POOL_SIZE: whole(0, 0, 100),
  UNUSED_DATABASE_DAYS: whole(14, 0, 3650),
  DATABASE_TIMEOUT_MS: whole(3500, 50, 60_000),
  DATABASE_WRITERS: whole(4, 1, 1000),
  ROUTE_CACHE_SECONDS: whole(60, 0, 3600),
  OPERATION_LEASE_SECONDS: whole(10, 1, 600),
  LAZY_MIGRATION: flag.default(true),
  MIGRATION_LEASE_SECONDS: whole(90, 3, 900),
  KEEP_FORMER_DATABASE_DAYS: whole(7, 1, 90),
});

const Bindings = z.object({
  /** Cloudflare's `send_email`: without it no mail leaves, and `/auth/config` says so. */
  EMAIL: z.custom<SendEmail>((binding) => typeof binding === "object").optional(),
  /** An R2 bucket: without it no backups are kept. */
  BACKUPS: z.custom<Bucket>((binding) => typeof binding === "object").optional(),
});

const Env = Vars.extend(Bindings.shape).transform((vars, context) => {
  const provider = providerSettings(vars);
  const management = managementSettings(vars);
  const platform = platformSettings(vars);
  const { EMAIL: binding, MAIL_FROM: from } = vars;
  const mail = binding && from ? { binding, from } : undefined;
  const wrong: [boolean, string, string][] = [
    ...crossFaults(vars),
    [!provider.issuer, "IDP_ISSUER", "is missing, and so is AUTH0_DOMAIN"],
    [!provider.audience, "IDP_AUDIENCE", "is missing, and so is AUTH0_AUDIENCE"],
    [!provider.jwksUri, "JWKS_URI", "is missing, and so is AUTH0_DOMAIN"],
    [typeof management === "string", String(management), "is missing, while its fellows are set"],
    [typeof platform === "string", String(platform), `is missing: PLATFORM is ${vars.PLATFORM}`],
    [binding !== undefined && !from, "MAIL_FROM", "is missing: EMAIL is bound"],
  ];
  for (const [is, key, message] of wrong)
    if (is) context.addIssue({ code: "custom", path: [key], message });
  if (typeof management === "string" || typeof platform === "string") return z.NEVER;
  const identityProvider = provider as {
    [K in keyof typeof provider]: NonNullable<(typeof provider)[K]>;
  };
  const clientId = vars.IDP_CLIENT_ID ?? vars.AUTH0_CLIENT_ID;
  return { ...vars, identityProvider, clientId, management, platform, mail };
});

type Given = z.infer<typeof Vars>;

/** What only several variables together can have wrong. */
const crossFaults = (vars: Given): [boolean, string, string][] => [
  [
    vars.DEFAULT_TENANT_RESOLVER === "subdomain" && !vars.BASE_DOMAIN,
    "BASE_DOMAIN",
    "is missing: DEFAULT_TENANT_RESOLVER is subdomain",
  ],
  [
    vars.CORS_ALLOW_CREDENTIALS && vars.CORS_ALLOW_ORIGINS.includes("*"),
    "CORS_ALLOW_ORIGINS",
    "may not be * while credentials are allowed",
  ],
  [
    vars.TENANT_SLUG_MIN_LENGTH > vars.TENANT_SLUG_MAX_LENGTH,
    "TENANT_SLUG_MIN_LENGTH",
    "is above TENANT_SLUG_MAX_LENGTH",
  ],
  [
    vars.TURSO_GROUP !== undefined && vars.TURSO_GROUPS !== undefined,
    "TURSO_GROUPS",
    "may not stand beside TURSO_GROUP: name the groups in one of them",
  ],
];

/** The OpenID provider: what is named goes before what follows from Auth0's domain. */
function providerSettings(vars: Given) {
  const { AUTH0_DOMAIN: domain } = vars;
  const issuer = vars.IDP_ISSUER ?? (domain && `https://${domain}/`);
  const audience = vars.IDP_AUDIENCE ?? vars.AUTH0_AUDIENCE;
  const jwksUri = vars.JWKS_URI ?? (domain && `https://${domain}/.well-known/jwks.json`);
  return { issuer, audience, jwksUri };
}

/** Auth0's Management API; undefined where it is not to be used, or the name of what is missing. */
function managementSettings(vars: Given) {
  const { AUTH0_MANAGEMENT_CLIENT_ID: clientId, AUTH0_MANAGEMENT_CLIENT_SECRET: clientSecret } =
    vars;
  if (!clientId && !clientSecret) return undefined;
  if (!clientId) return "AUTH0_MANAGEMENT_CLIENT_ID";
  if (!clientSecret) return "AUTH0_MANAGEMENT_CLIENT_SECRET";
  const url = vars.AUTH0_MANAGEMENT_URL ?? (vars.AUTH0_DOMAIN && `https://${vars.AUTH0_DOMAIN}`);
  if (!url) return "AUTH0_MANAGEMENT_URL";
  return { url, clientId, clientSecret, connection: vars.AUTH0_CONNECTION };
}

/** The chosen platform's settings, or the name of the first that is missing. */
function platformSettings(vars: Given) {
  if (vars.PLATFORM === "sqld") {
    const { SQLD_URL, SQLD_ADMIN_URL, SQLD_ADMIN_KEY, SQLD_JWT_KEY } = vars;
    if (!SQLD_URL) return "SQLD_URL";
    if (!SQLD_ADMIN_URL) return "SQLD_ADMIN_URL";
    if (!SQLD_ADMIN_KEY) return "SQLD_ADMIN_KEY";
    if (!SQLD_JWT_KEY) return "SQLD_JWT_KEY";
    return {
      kind: "sqld" as const,
      url: SQLD_URL,
      adminUrl: SQLD_ADMIN_URL,
      adminKey: SQLD_ADMIN_KEY,
      jwtKey: SQLD_JWT_KEY,
    };
  }
  const { TURSO_API_URL, TURSO_API_TOKEN, TURSO_ORGANIZATION } = vars;
  if (!TURSO_API_TOKEN) return "TURSO_API_TOKEN";
  if (!TURSO_ORGANIZATION) return "TURSO_ORGANIZATION";
  const groups = placementsOf(vars);
  if (!groups) return "TURSO_GROUP";
  return {
    kind: "turso" as const,
    apiUrl: TURSO_API_URL,
    apiToken: TURSO_API_TOKEN,
    organization: TURSO_ORGANIZATION,
    groups,
  };
}

function placementsOf({ TURSO_GROUP: group, TURSO_GROUPS }: Given): Placements | undefined {
  return TURSO_GROUPS ?? (group ? [{ region: null, group }] : undefined);
}

export const settingNames = Object.keys(Vars.shape);

/** The validated settings. Names are those of the variables; secrets are opaque. */
export type Settings = z.infer<typeof Env>;

const FleetVars = Vars.pick({
  GLOBAL_DATABASE_URL: true,
  GLOBAL_DATABASE_NAMESPACE: true,
  GLOBAL_AUTH_TOKEN: true,
  ENCRYPTION_KEY: true,
  PLATFORM: true,
  SQLD_URL: true,
  MIGRATION_LEASE_SECONDS: true,
}).refine((vars) => vars.PLATFORM !== "sqld" || vars.SQLD_URL, {
  path: ["SQLD_URL"],
  message: "is missing: PLATFORM is sqld",
});
export type FleetSettings = z.infer<typeof FleetVars>;

/**
 * Validates variables and secrets as the runtime hands them over.
 * Throws `config_invalid`, which names the wrong keys and why, and never holds a value. What depends
 * on several variables is judged once each of them is right.
 */
export const parseSettings = (source: object): Settings => parse(Env, source);

/** Of the same variables those it takes to migrate the fleet from anywhere. */
export const parseFleetSettings = (source: object): FleetSettings => parse(FleetVars, source);

function parse<T>(shape: z.ZodType<T>, source: object): T {
  const result = shape.safeParse(source, {
    error: (issue) => (issue.input === undefined ? "is missing" : undefined),
  });
  if (result.success) return result.data;
  const faults = result.error.issues.map(
    (issue) => `${String(issue.path[0] ?? "settings")} ${issue.message}`,
  );
  throw new ApiError("config_invalid", [...new Set(faults)].join("; "));
}
