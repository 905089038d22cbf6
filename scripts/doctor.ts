// npm run doctor [-- --data DIR]: what is wrong with a deployment, and what mends it. Changes nothing.
import { and, count, desc, eq, isNotNull, lt, sql } from "drizzle-orm";
import { ApiError } from "../src/core/error.ts";
import { batch, statement } from "../src/db/batch.ts";
import { registryMigrations, tenantMigrations } from "../src/db/migrations.gen.ts";
import { parseSettings, type Settings } from "../src/env.ts";
import { createDiscovery } from "../src/http/discovery.ts";
import { createKeyFinder } from "../src/http/jwks.ts";
import { createJobScopes } from "../src/ports.jobs.ts";
import { checks } from "../src/registry/findings/checks.ts";
import { findings } from "../src/registry/findings/findings.table.ts";
import type { JobScope } from "../src/registry/scope.ts";
import { openOf } from "../src/registry/tenants/locate.service.ts";
import { tenants } from "../src/registry/tenants/tenants.table.ts";
import { examine } from "../src/tenant/identity/examine.ts";
import { readArguments } from "./stack/arguments.ts";
import { deploymentSettings, unhurried } from "./stack/environment.ts";
import { runProgram } from "./stack/refusal.ts";

type Check = { readonly name: string; readonly mend: string; run(): Promise<string> };
const patienceMs = 5000;
const dayMs = 86_400_000;

class Unwell extends Error {
  override readonly name = "Unwell";
}

const examinations = (settings: Settings, scope: JobScope): Check[] => [
  {
    name: "registry",
    mend: "check GLOBAL_DATABASE_URL, GLOBAL_DATABASE_NAMESPACE and GLOBAL_AUTH_TOKEN, then npm run deploy, which migrates it (npm run dev does so locally); if it is lost: npm run registry:rebuild",
    async run() {
      const applied = statement<{ version: number }>(
        scope.db,
        sql`select count(*) as version from __drizzle_migrations`,
      );
      const [[row]] = await batch(scope.db, "read", [applied] as const);
      const [is, wanted] = [row?.version ?? 0, registryMigrations.length];
      if (is < wanted) throw new Unwell(`its schema is ${is}, and this release needs ${wanted}`);
      return `reachable, schema ${is}`;
    },
  },
  {
    name: "identity provider",
    mend: "check IDP_ISSUER or AUTH0_DOMAIN, and JWKS_URI; without its keys nobody can sign in",
    async run() {
      const { issuer, jwksUri } = settings.identityProvider;
      const keepAlive = () => {};
      await createKeyFinder(jwksUri, patienceMs, fetch).warm(keepAlive);
      await createDiscovery(issuer, patienceMs, fetch).current(keepAlive);
      return `${issuer} says who it is, and its keys are there`;
    },
  },
  {
    name: "database platform",
    mend:
      settings.platform.kind === "sqld"
        ? "check SQLD_ADMIN_URL and SQLD_ADMIN_KEY: no tenant can sign up"
        : "check TURSO_API_TOKEN, TURSO_ORGANIZATION and TURSO_GROUP: no tenant can sign up",
    async run() {
      await scope.platform.findDatabase("tnt-doctor");
      return `${scope.platform.kind} takes our key`;
    },
  },
  {
    name: "a tenant",
    mend: "GET /api/v1/admin/tenants/{id}/health says more; a token that does not open needs its key in ENCRYPTION_KEY, or POST /api/v1/admin/tenants/{id}/credentials",
    run: () => examineNewestTenant(scope),
  },
  {
    name: "tenants' health",
    mend: "GET /api/v1/admin/tenants?health=unhealthy names them and their errors",
    async run() {
      const ill = await countOf(scope, eq(tenants.healthStatus, "unhealthy"));
      if (ill > 0) throw new Unwell(`${ill} tenants were unhealthy when the clock last came by`);
      return "the clock found nobody unhealthy";
    },
  },
  {
    name: "tokens",
    mend: "the clock renews them a month before: see the job renew_tokens in the Worker's log",
    async run() {
      const soon = Date.now() + Math.min(7 * dayMs, scope.tokensLastMs / 4);
      const due = await countOf(
        scope,
        and(lt(tenants.tokenExpiresAt, soon), isNotNull(tenants.sealedToken)),
      );
      if (due > 0) throw new Unwell(`${due} tenants' tokens expire within days`);
      return "no token is about to expire";
    },
  },
  {
    name: "operations",
    mend: "GET /api/v1/admin/operations/{id} says at which step; POST …/attempts tries at once, DELETE gives up",
    async run() {
      const { sightings } = await checks.operation_stuck(scope, undefined, Date.now() + patienceMs);
      const [first] = sightings;
      if (first)
        throw new Unwell(`${sightings.length} stuck, as ${first.subject}: ${first.detail}`);
      return "none is stuck";
    },
  },
  {
    name: "findings",
    mend: "GET /api/v1/admin/findings lists them; docs/operator.md says what each kind asks for",
    async run() {
      const [rows] = await batch(scope.db, "read", [
        scope.db
          .select({ kind: findings.kind, many: count() })
          .from(findings)
          .groupBy(findings.kind),
      ] as const);
      const told = rows.map(({ kind, many }) => `${many} × ${kind}`);
      if (told.length > 0) throw new Unwell(told.join(", "));
      return "registry and platform agree, as far as the clock has looked";
    },
  },
];

async function countOf({ db }: JobScope, which: ReturnType<typeof and>): Promise<number> {
  const [[row]] = await batch(db, "read", [
    db.select({ many: count() }).from(tenants).where(which),
  ] as const);
  return row?.many ?? 0;
}

async function examineNewestTenant(scope: JobScope): Promise<string> {
  const { db } = scope;
  const [[tenant]] = await batch(db, "read", [
    db
      .select()
      .from(tenants)
      .where(eq(tenants.status, "active"))
      .orderBy(desc(tenants.createdAt))
      .limit(1),
  ] as const);
  if (!tenant) return "there is none yet";
  const { slug } = tenant;
  const { stamp, schemaVersion, latencyMs } = await examine(
    await openOf(scope, tenant, patienceMs),
  ).catch((error) => {
    throw new Unwell(`${slug}: ${reasonOf(error)}`);
  });
  if (stamp?.tenantId !== tenant.id) throw new Unwell(`${slug}: its database is another's`);
  if (schemaVersion < tenantMigrations.length)
    throw new Unwell(
      `${slug}: its schema is ${schemaVersion}, and this release needs ${tenantMigrations.length}`,
    );
  return `${slug} answers in ${latencyMs} ms, schema ${schemaVersion}`;
}

/** Our own words only: what a server says may hold anything. */
const reasonOf = (error: unknown): string =>
  error instanceof Unwell || error instanceof ApiError ? error.message : "it does not answer";

/** One line each; whether it holds. */
async function report({ name, mend, run }: Check, tell: (line: string) => void): Promise<boolean> {
  try {
    tell(`ok    ${name}: ${await run()}`);
    return true;
  } catch (error) {
    tell(`FAIL  ${name}: ${reasonOf(error)}. Mend: ${mend}.`);
    return false;
  }
}

/** Looks at everything, whatever is found on the way. Whether all of it is well. */
export async function diagnose(
  variables: Record<string, string>,
  tell: (line: string) => void,
): Promise<boolean> {
  let settings: Settings | undefined;
  const configuration: Check = {
    name: "configuration",
    mend: ".dev.vars.example says what each variable is for",
    async run() {
      settings = parseSettings(variables);
      return "every variable is as it should be";
    },
  };
  await report(configuration, tell);
  if (!settings) return false;
  const scope = createJobScopes(settings, unhurried(settings))("doctor");
  const outcomes: boolean[] = [];
  for (const check of examinations(settings, { ...scope, failed: () => {} }))
    outcomes.push(await report(check, tell));
  return outcomes.every(Boolean);
}

if (import.meta.main)
  await runProgram(async () => {
    const { data } = readArguments(
      { data: { type: "string", default: ".data" } },
      "npm run doctor -- [--data .data]",
    );
    const isWell = await diagnose(deploymentSettings(data), (line) => console.log(line));
    if (!isWell) process.exitCode = 1;
  });
