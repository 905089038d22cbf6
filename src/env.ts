import { z } from "zod";
import { ApiError } from "./core/error.ts";
import { Secret } from "./core/secret.ts";

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

const Vars = z.object({
  PROJECT_NAME: value.default("Tenantry"),
  GLOBAL_DATABASE_URL: url,
  GLOBAL_DATABASE_NAMESPACE: value.optional(),
  GLOBAL_AUTH_TOKEN: headerSecret,
  ENCRYPTION_KEY: keyRing,
  AUTH0_DOMAIN: domain.optional(),
  AUTH0_AUDIENCE: value.optional(),
  IDP_ISSUER: web.optional(),
  IDP_AUDIENCE: value.optional(),
  JWKS_URI: web.optional(),
  CLAIM_NAMESPACE: z.string().default("https://tenantry.dev/"),
  DEFAULT_TENANT_RESOLVER: z.enum(["jwt", "subdomain", "header", "composite"]).default("composite"),
  TENANT_HEADER_NAME: z
    .string()
    .regex(/^[A-Za-z][\w-]{1,63}$/)
    .default("X-Tenant-ID"),
  BASE_DOMAIN: domain.optional(),
  MAX_TENANTS_PER_USER: whole(5, 0, 10_000),
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
  DATABASE_TOKEN_DAYS: whole(365, 1, 3650),
  DATABASE_TIMEOUT_MS: whole(3500, 50, 60_000),
  DATABASE_WRITERS: whole(4, 1, 1000),
  ROUTE_CACHE_SECONDS: whole(60, 0, 3600),
  OPERATION_LEASE_SECONDS: whole(10, 1, 600),
});

const Env = Vars.transform((vars, context) => {
  const issuer = vars.IDP_ISSUER ?? (vars.AUTH0_DOMAIN && `https://${vars.AUTH0_DOMAIN}/`);
  const audience = vars.IDP_AUDIENCE ?? vars.AUTH0_AUDIENCE;
  const jwksUri =
    vars.JWKS_URI ?? (vars.AUTH0_DOMAIN && `https://${vars.AUTH0_DOMAIN}/.well-known/jwks.json`);
  const platform = platformSettings(vars);
  const byDomain = vars.DEFAULT_TENANT_RESOLVER === "subdomain";
  const anyOrigin = vars.CORS_ALLOW_ORIGINS.includes("*");
  const wrong: [boolean, string, string][] = [
    [!issuer, "IDP_ISSUER", "is missing, and so is AUTH0_DOMAIN"],
    [!audience, "IDP_AUDIENCE", "is missing, and so is AUTH0_AUDIENCE"],
    [!jwksUri, "JWKS_URI", "is missing, and so is AUTH0_DOMAIN"],
    [
      byDomain && !vars.BASE_DOMAIN,
      "BASE_DOMAIN",
      "is missing: DEFAULT_TENANT_RESOLVER is subdomain",
    ],
    [
      vars.CORS_ALLOW_CREDENTIALS && anyOrigin,
      "CORS_ALLOW_ORIGINS",
      "may not be * while credentials are allowed",
    ],
    [
      vars.TENANT_SLUG_MIN_LENGTH > vars.TENANT_SLUG_MAX_LENGTH,
      "TENANT_SLUG_MIN_LENGTH",
      "is above TENANT_SLUG_MAX_LENGTH",
    ],
    [typeof platform === "string", String(platform), `is missing: PLATFORM is ${vars.PLATFORM}`],
  ];
  for (const [is, key, message] of wrong)
    if (is) context.addIssue({ code: "custom", path: [key], message });
  if (!issuer || !audience || !jwksUri || typeof platform === "string") return z.NEVER;
  return { ...vars, identityProvider: { issuer, audience, jwksUri }, platform };
});

/** The chosen platform's settings, or the name of the first that is missing. */
function platformSettings(vars: z.infer<typeof Vars>) {
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
  const { TURSO_API_URL, TURSO_API_TOKEN, TURSO_ORGANIZATION, TURSO_GROUP } = vars;
  if (!TURSO_API_TOKEN) return "TURSO_API_TOKEN";
  if (!TURSO_ORGANIZATION) return "TURSO_ORGANIZATION";
  if (!TURSO_GROUP) return "TURSO_GROUP";
  return {
    kind: "turso" as const,
    apiUrl: TURSO_API_URL,
    apiToken: TURSO_API_TOKEN,
    organization: TURSO_ORGANIZATION,
    group: TURSO_GROUP,
  };
}

export const settingNames = Object.keys(Vars.shape);

/** The validated settings. Names are those of the variables; secrets are opaque. */
export type Settings = z.infer<typeof Env>;

/**
 * Validates variables and secrets as the runtime hands them over.
 * Throws `config_invalid`, which names the wrong keys and why, and never holds a value. What depends
 * on several variables is judged once each of them is right.
 */
export function parseSettings(source: object): Settings {
  const result = Env.safeParse(source, {
    error: (issue) => (issue.input === undefined ? "is missing" : undefined),
  });
  if (result.success) return result.data;
  const faults = result.error.issues.map(
    (issue) => `${String(issue.path[0] ?? "settings")} ${issue.message}`,
  );
  throw new ApiError("config_invalid", [...new Set(faults)].join("; "));
}
