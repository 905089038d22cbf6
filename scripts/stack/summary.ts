import { type Person, people, rightsOf } from "./people.ts";
import type { Backends } from "./stack.ts";

export type Tenant = { id: string; slug: string; accountId: string };
/** What `stack.json` tells other programs. */
export type Stack = {
  apiUrl: string;
  issuer: string;
  audience: string;
  jwksUrl: string;
  sqldUrl: string;
  sqldAdminUrl: string;
  dataDir: string;
  tenants: Tenant[];
  people: { email: string; tenants: string[]; roles: string[] }[];
};

export function describeStack(
  { settings, sqld, provider }: Pick<Backends, "settings" | "sqld" | "provider">,
  { apiUrl, dataDir, tenants }: { apiUrl: string; dataDir: string; tenants: Tenant[] },
): Stack {
  return {
    apiUrl,
    issuer: provider.issuer,
    audience: settings["IDP_AUDIENCE"] ?? "",
    jwksUrl: provider.jwksUrl,
    sqldUrl: sqld.url,
    sqldAdminUrl: sqld.adminUrl,
    dataDir,
    tenants: tenants.map(({ id, slug, accountId }) => ({ id, slug, accountId })),
    people: people.map((person) => ({
      email: person.email,
      tenants: person.tenants.map(({ slug }) => slug),
      roles: rolesOf(person),
    })),
  };
}

const rolesOf = ({ platformAdmin, tenants }: Person): string[] => [
  ...new Set([
    ...(platformAdmin ? ["platform admin"] : []),
    ...tenants.flatMap(({ tenantRole, accountRole }) => [tenantRole, accountRole ?? []].flat()),
  ]),
];

/** What the terminal shows once everything answers. */
export function summary(stack: Stack, token: string): string {
  const rows = (pairs: string[][], width: number) =>
    pairs.map(([name = "", text = ""]) => `  ${name.padEnd(width)}${text}`);
  return [
    "",
    ...rows(
      [
        ["API", stack.apiUrl],
        ["Docs", `${stack.apiUrl}/docs`],
        ["OpenAPI", `${stack.apiUrl}/openapi.json`],
        ["Identity", `${stack.issuer}/.well-known/openid-configuration`],
        ["sqld", `${stack.sqldUrl} (admin ${stack.sqldAdminUrl})`],
        ["Mails", `${stack.dataDir}/outbox`],
        ["Data", `${stack.dataDir} (npm run dev -- --reset clears it)`],
      ],
      10,
    ),
    "",
    "People:",
    ...rows(
      people.map((person) => [person.email, rightsOf(person)]),
      24,
    ),
    "",
    "Try it (the token is good for 12 hours):",
    `  curl -sS ${stack.apiUrl}/api/v1/users -H 'X-Tenant-ID: acme' -H 'Authorization: Bearer ${token}'`,
    "",
    "Other tokens: npm run -s token -- --as viewer@acme.test",
    "Stop everything: Ctrl-C",
  ].join("\n");
}
