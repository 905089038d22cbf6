// npm run seed [-- --data DIR | --remote]: two demo tenants with a person for every right. A rerun changes nothing.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseEnv } from "node:util";
import { eq, sql } from "drizzle-orm";
import { ApiError } from "../src/core/error.ts";
import { newId } from "../src/core/id.ts";
import { type Identity, systemRequest } from "../src/core/request.ts";
import { batch } from "../src/db/batch.ts";
import type { TenantDb } from "../src/db/connect.ts";
import { insertSelect } from "../src/db/insert-select.ts";
import { migrate } from "../src/db/migrate.ts";
import { registryMigrations, tenantMigrations } from "../src/db/migrations.gen.ts";
import { contextOf, type Write, write, writeAudited } from "../src/db/write.ts";
import { parseSettings } from "../src/env.ts";
import type { Call } from "../src/http/context.ts";
import { createPorts } from "../src/ports.ts";
import { platformAdmins } from "../src/registry/admins/admins.table.ts";
import { memberships } from "../src/registry/memberships/memberships.table.ts";
import type { ProvisioningScope } from "../src/registry/scope.ts";
import { findRoute, type TenantRoute } from "../src/registry/tenants/locate.service.ts";
import { registerTenant } from "../src/registry/tenants/provision.service.ts";
import { accountMembers } from "../src/tenant/accounts/accounts.table.ts";
import { tenantIdentity } from "../src/tenant/identity/identity.table.ts";
import { userIdentities, users } from "../src/tenant/users/users.table.ts";
import { readArguments } from "./stack/arguments.ts";
import { demoTenants, type Person, people, type Seat, subjectOf } from "./stack/people.ts";
import { refusal, runProgram } from "./stack/refusal.ts";

export type SeededTenant = { id: string; slug: string; name: string; accountId: string };

/** Migrates the registry and fills it, through the services the API itself uses. */
export async function seed(
  source: Record<string, string>,
  report: (line: string) => void,
): Promise<{ tenants: SeededTenant[] }> {
  const settings = parseSettings(source);
  const ports = createPorts(settings, fetch);
  const { issuer } = settings.identityProvider;
  const scopeOf = (person: Person) =>
    ports.openProvisioning(newCall(settings), identityOf(person, issuer));
  const root = scopeOf(people.find((person) => person.platformAdmin) as Person);
  await migrate(root.db, registryMigrations);
  await seedAdmins(root, issuer);

  const tenants: SeededTenant[] = [];
  for (const { slug, name } of demoTenants) {
    const owner = people.find((person) => seatIn(person, slug)?.tenantRole === "owner") as Person;
    const scope = scopeOf(owner);
    await ensureTenant(scope, slug, name);
    const route = await findRoute(scope.db, slug, scope.platform, scope.keyRing);
    if (!route) throw new Error(`Tenant ${slug} is not there after its registration`);
    const db = scope.openTenant(route.address, route.id, 30_000);
    await migrate(db, tenantMigrations);
    const known = people.flatMap((person) => {
      const seat = seatIn(person, slug);
      return seat ? [{ person, seat }] : [];
    });
    await seedPeople(scope, db, route, known, issuer);
    tenants.push({ id: route.id, slug, name, accountId: await defaultAccountOf(db) });
    report(`Tenant ${slug} is ready: ${route.id}`);
  }
  return { tenants };
}

const seatIn = (person: Person, slug: string): Seat | undefined =>
  person.tenants.find((seat) => seat.slug === slug);

const identityOf = ({ email, name }: Person, issuer: string): Identity => ({
  kind: "user",
  issuer,
  subject: subjectOf(email),
  email,
  name,
  sid: "seed",
  issuedAt: Date.now(),
  tenantClaim: null,
  organizationClaim: null,
  platformClaim: false,
});

function newCall(limits: { DATABASE_TIMEOUT_MS: number; DATABASE_WRITERS: number }): Call {
  const request = systemRequest("seed");
  return {
    request,
    budget: {
      deadline: request.now + 60_000,
      timeoutMs: limits.DATABASE_TIMEOUT_MS,
      writers: limits.DATABASE_WRITERS,
      spent: { trips: 0 },
      fetch,
    },
  };
}

async function ensureTenant(scope: ProvisioningScope, slug: string, name: string): Promise<void> {
  try {
    await registerTenant(scope, { slug, name });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "slug_taken") throw error;
  }
}

async function seedAdmins({ db, request }: ProvisioningScope, issuer: string): Promise<void> {
  const rows = people
    .filter((person) => person.platformAdmin)
    .map(({ email }) => ({
      issuer,
      subject: subjectOf(email),
      active: true,
      createdAt: request.now,
    }));
  const insert = write(db.insert(platformAdmins).values(rows).onConflictDoNothing());
  await writeAudited(db, contextOf(request, { type: "system", id: "seed" }), [insert], []);
}

type Seated = { person: Person; seat: Seat };

/** The authority first, the index second, as everywhere. */
async function seedPeople(
  { db: registry, request }: ProvisioningScope,
  db: TenantDb,
  route: TenantRoute,
  seated: Seated[],
  issuer: string,
): Promise<void> {
  const context = contextOf(request, { type: "system", id: "seed" });
  const writes = seated.flatMap((one) => personWrites(db, one, issuer, request.now));
  await writeAudited(db, context, writes, []);
  const rows = seated.map(({ person, seat }) => ({
    issuer,
    subject: subjectOf(person.email),
    tenantId: route.id,
    role: seat.tenantRole,
    status: "active" as const,
    createdAt: request.now,
  }));
  const index = write(registry.insert(memberships).values(rows).onConflictDoNothing());
  await writeAudited(registry, context, [index], []);
}

function personWrites(
  db: TenantDb,
  { person, seat }: Seated,
  issuer: string,
  now: number,
): Write[] {
  const { email, name } = person;
  const here = sql`from ${users} u where u.email = ${email} and u.deleted_at is null`;
  const { tenantRole, accountRole = null } = seat;
  const user = { id: newId("user", now), email, name, status: "active", tenantRole } as const;
  const identity = { id: newId("identity", now), issuer, subject: subjectOf(email), email };
  const id = sql`u.id`;
  return [
    write(
      insertSelect(
        db,
        users,
        { ...user, createdAt: now, updatedAt: now },
        sql`where not exists (select 1 ${here})`,
      ),
    ),
    write(
      insertSelect(
        db,
        userIdentities,
        { ...identity, userId: id, createdAt: now },
        sql`${here} on conflict do nothing`,
      ),
    ),
    write(
      insertSelect(
        db,
        accountMembers,
        {
          accountId: sql`t.default_account_id`,
          userId: id,
          role: sql`${accountRole}`,
          createdAt: now,
        },
        sql`from ${tenantIdentity} t join ${users} u on u.email = ${email} and u.deleted_at is null
          where ${accountRole} is not null on conflict do nothing`,
      ),
    ),
  ];
}

async function defaultAccountOf(db: TenantDb): Promise<string> {
  const [[row]] = await batch(db, "read", [
    db
      .select({ id: tenantIdentity.defaultAccountId })
      .from(tenantIdentity)
      .where(eq(tenantIdentity.id, 1)),
  ] as const);
  if (!row) throw new Error("The tenant's database carries no stamp");
  return row.id;
}

/** The running local stack's settings, or those of the environment for any other stack. */
async function settingsFrom(options: { data: string; remote: boolean }) {
  if (!options.remote) {
    const file = join(options.data, "worker.env");
    if (!existsSync(file))
      throw refusal(
        `No local stack in ${options.data}: start one with npm run dev, or use --remote.`,
      );
    return parseEnv(readFileSync(file, "utf8")) as Record<string, string>;
  }
  const source = process.env as Record<string, string>;
  const question = `This writes demo tenants and people to ${source["GLOBAL_DATABASE_URL"]}. Type "seed" to go on: `;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(question).finally(() => terminal.close());
  if (answer.trim() !== "seed") throw refusal("Nothing was written.");
  return source;
}

if (import.meta.main)
  await runProgram(async () => {
    const options = readArguments(
      {
        data: { type: "string", default: ".data" },
        remote: { type: "boolean", default: false },
      },
      "npm run seed -- [--data .data] [--remote]",
    );
    await seed(await settingsFrom(options), (line) => console.log(line));
  });
