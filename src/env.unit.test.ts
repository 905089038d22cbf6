import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { ApiError } from "./core/error.ts";
import { parseSettings, settingNames } from "./env.ts";

const key = Buffer.alloc(32, 7).toString("base64url");
const common = {
  GLOBAL_DATABASE_URL: "https://registry.test",
  GLOBAL_AUTH_TOKEN: "registry-token",
  ENCRYPTION_KEY: `k2:${key},k1:${key}`,
  SECRET_KEY: `s1:${key}`,
  FRONTEND_URL: "https://app.test",
  IDP_ISSUER: "https://login.test/",
  IDP_AUDIENCE: "https://api.test",
  JWKS_URI: "https://login.test/keys",
};
const sqld = {
  ...common,
  PLATFORM: "sqld",
  SQLD_URL: "https://db.test",
  SQLD_ADMIN_URL: "https://admin.test",
  SQLD_ADMIN_KEY: "admin-key",
  SQLD_JWT_KEY: "jwt-key",
};
const turso = {
  ...common,
  PLATFORM: "turso",
  TURSO_API_TOKEN: "platform-token",
  TURSO_ORGANIZATION: "acme",
  TURSO_GROUP: "default",
};
const without = (settings: object, name: string) =>
  Object.fromEntries(Object.entries(settings).filter(([key]) => key !== name));

/** What is wrong, by name. */
function faultsOf(settings: object): string {
  try {
    parseSettings(settings);
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: "config_invalid", status: 503, cause: undefined });
    return (error as ApiError).message;
  }
  return "none";
}
const required: [string, object][] = [
  ...Object.keys(sqld).map((name): [string, object] => [name, sqld]),
  ...["TURSO_API_TOKEN", "TURSO_ORGANIZATION", "TURSO_GROUP"].map((name): [string, object] => [
    name,
    turso,
  ]),
].filter(([name]) => name !== "PLATFORM");
const namesOf = (faults: string) => [
  ...new Set(faults.split("; ").map((fault) => fault.split(" ")[0])),
];

test("complete settings are accepted for either platform", () => {
  expect(parseSettings(sqld).platform.kind).toBe("sqld");
  expect(parseSettings(turso).platform.kind).toBe("turso");
});

test.each(required)("without %s nothing runs, and it is named", (name, settings) => {
  const faults = faultsOf(without(settings, name));
  expect(namesOf(faults)).toEqual([name]);
  expect(faults).toMatch(/^\w+ is missing/);
});

test.each(required)("an empty %s is as good as none, and is named", (name, settings) => {
  for (const nothing of ["", "  \t "]) {
    const faults = faultsOf({ ...settings, [name]: nothing });
    expect(faults).toContain(`${name} is empty`);
    expect(namesOf(faults)).toEqual([name]);
  }
});

const placeholders = ["change-me", "ChangeMe", "your-value", "<value>", "...", "xxx", "TODO"];
test.each(required)("a placeholder for %s is refused by name", (name, settings) => {
  for (const placeholder of placeholders)
    expect(faultsOf({ ...settings, [name]: placeholder })).toContain(
      `${name} is still the placeholder of the example`,
    );
});

test("the example file as it stands is refused, with every value a deployer has to fill in", () => {
  const example = parseEnv(readFileSync(".dev.vars.example", "utf8"));
  const unfilled = Object.entries(example)
    .filter(([, value]) => /change-me|your-/.test(value ?? ""))
    .map(([name]) => name);
  expect(unfilled).toContain("GLOBAL_DATABASE_URL");
  expect(namesOf(faultsOf(example)).sort()).toEqual(unfilled.sort());
});

test("faults are named together, not one by one", () => {
  expect(namesOf(faultsOf({}))).toEqual([
    "GLOBAL_DATABASE_URL",
    "GLOBAL_AUTH_TOKEN",
    "ENCRYPTION_KEY",
    "SECRET_KEY",
    "FRONTEND_URL",
  ]);
  const secretsOnly = without(without(without(sqld, "IDP_ISSUER"), "IDP_AUDIENCE"), "JWKS_URI");
  expect(namesOf(faultsOf(secretsOnly))).toEqual(["IDP_ISSUER", "IDP_AUDIENCE", "JWKS_URI"]);
});

test.each(settingNames)("a bad value of %s is never repeated", (name) => {
  const value = "p4ssw0rd\u0000 ://{}";
  expect(faultsOf({ ...sqld, [name]: value })).not.toContain("p4ssw0rd");
  expect(faultsOf({ ...sqld, [name]: { nested: value } })).toContain(`${name} `);
});

test("a parsed secret prints as redacted, however it is printed", () => {
  const settings = parseSettings(sqld);
  const printed = `${JSON.stringify(settings)}${settings.GLOBAL_AUTH_TOKEN}`;
  for (const secret of ["registry-token", "admin-key", "jwt-key", key])
    expect(printed).not.toContain(secret);
  expect(settings.GLOBAL_AUTH_TOKEN.reveal()).toBe("registry-token");
});

test("an Auth0 domain and audience are all that authentication needs", () => {
  const auth0 = { AUTH0_DOMAIN: "acme.eu.auth0.com", AUTH0_AUDIENCE: "https://api.acme.test" };
  const others = Object.fromEntries(
    Object.entries(sqld).filter(([name]) => !/^(IDP_|JWKS_)/.test(name)),
  );
  expect(parseSettings({ ...others, ...auth0 }).identityProvider).toMatchObject({
    issuer: "https://acme.eu.auth0.com/",
    audience: "https://api.acme.test",
    jwksUri: "https://acme.eu.auth0.com/.well-known/jwks.json",
  });
});

test("a named provider goes before the Auth0 domain", () => {
  const both = { ...sqld, AUTH0_DOMAIN: "acme.eu.auth0.com", AUTH0_AUDIENCE: "other" };
  expect(parseSettings(both).identityProvider).toMatchObject({
    issuer: sqld.IDP_ISSUER,
    audience: sqld.IDP_AUDIENCE,
    jwksUri: sqld.JWKS_URI,
  });
});

test.each([
  [
    "any origin together with credentials",
    "CORS_ALLOW_ORIGINS may not be *",
    {
      CORS_ALLOW_ORIGINS: "https://app.test, *",
      CORS_ALLOW_CREDENTIALS: "true",
    },
  ],
  [
    "a shortest slug above the longest",
    "TENANT_SLUG_MIN_LENGTH is above",
    {
      TENANT_SLUG_MIN_LENGTH: "20",
      TENANT_SLUG_MAX_LENGTH: "19",
    },
  ],
  ["subdomains of no domain", "BASE_DOMAIN is missing", { DEFAULT_TENANT_RESOLVER: "subdomain" }],
  ["an unknown resolver", "DEFAULT_TENANT_RESOLVER ", { DEFAULT_TENANT_RESOLVER: "cookie" }],
  ["a header name with a space", "TENANT_HEADER_NAME ", { TENANT_HEADER_NAME: "X Tenant" }],
  ["a base domain that is a URL", "BASE_DOMAIN ", { BASE_DOMAIN: "https://acme.test" }],
  ["a base domain no host ends in", "BASE_DOMAIN ", { BASE_DOMAIN: "acme.test." }],
  ["an Auth0 domain that is a URL", "AUTH0_DOMAIN ", { AUTH0_DOMAIN: "https://acme.auth0.com" }],
  ["keys from something that is no web address", "JWKS_URI ", { JWKS_URI: "file:///keys" }],
  ["an encryption key that is too short", "ENCRYPTION_KEY ", { ENCRYPTION_KEY: "k1:c2hvcnQ" }],
  ["a number that is none", "MAX_TENANTS_PER_USER ", { MAX_TENANTS_PER_USER: "1e3" }],
  ["a flag that is none", "CORS_ALLOW_CREDENTIALS ", { CORS_ALLOW_CREDENTIALS: "yes" }],
  ["a page without a path", "DOCS_URL ", { DOCS_URL: "docs" }],
])("%s is refused", (_, fault, changed) => {
  const faults = faultsOf({ ...sqld, ...changed });
  expect(faults).toContain(fault);
  expect(namesOf(faults)).toHaveLength(1);
});

const inGroups = (groups: string) => ({ ...without(turso, "TURSO_GROUP"), TURSO_GROUPS: groups });
const groupsOf = (settings: object) => {
  const { platform } = parseSettings(settings);
  return platform.kind === "turso" ? platform.groups : expect.fail("not Turso");
};

test("groups are of regions, or one of none", () => {
  expect(groupsOf(turso)).toEqual([{ region: null, group: "default" }]);
  expect(groupsOf(inGroups(" eu:tenants, us:tenants-us "))).toEqual([
    { region: "eu", group: "tenants" },
    { region: "us", group: "tenants-us" },
  ]);
});

test.each([
  "eu",
  "eu:",
  ":tenants",
  "eu:tenants,",
  ",eu:tenants",
  "eu:tenants us:tenants",
  "EU:tenants",
  "eu:ten ants",
  "eu:a:b",
  "eu:a/b",
  "eu:tenants;us:tenants",
])("groups given as %s are refused", (groups) => {
  expect(faultsOf(inGroups(groups))).toBe("TURSO_GROUPS needs region:group pairs, comma-separated");
});

test("a region has one group, and groups are named in one place", () => {
  expect(faultsOf(inGroups("eu:a,eu:b"))).toBe("TURSO_GROUPS names a region twice");
  expect(faultsOf({ ...turso, TURSO_GROUPS: "eu:a" })).toBe(
    "TURSO_GROUPS may not stand beside TURSO_GROUP: name the groups in one of them",
  );
});

test("any origin without credentials, and slugs of exactly one length, are a choice", () => {
  const open = { CORS_ALLOW_ORIGINS: "*", CORS_ALLOW_CREDENTIALS: "false" };
  const exact = { TENANT_SLUG_MIN_LENGTH: "20", TENANT_SLUG_MAX_LENGTH: "20" };
  expect(faultsOf({ ...sqld, ...open, ...exact })).toBe("none");
});
