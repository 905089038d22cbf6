import { ApiError } from "../../core/error.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { write } from "../../db/write.ts";
import { type Testimony, testify } from "../../tenant/identity/testify.ts";
import { auditHeads } from "../audit/audit.table.ts";
import { commit } from "../commit.ts";
import { databases } from "../databases/databases.table.ts";
import { isNamedAfter, isOurName } from "../databases/names.ts";
import { memberships } from "../memberships/memberships.table.ts";
import type { JobScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { keepToken } from "../tenants/token-vault.ts";

const patienceMs = 30_000;
const atOnce = 4;

type Found = {
  readonly name: string;
  readonly host: string | null;
  readonly region: string | null;
  readonly stamp: NonNullable<Testimony["stamp"]>;
  readonly testimony: Testimony;
};
type Skipped = { readonly name: string; readonly reason: string };

/**
 * Writes an empty registry anew out of what the tenants' own databases say. Where several are one
 * tenant's, the one that changed last is the present one and the others are kept as former ones. Safe to
 * run again: what is there stays as it is.
 */
export async function rebuildRegistry(
  scope: JobScope,
  names: AsyncIterable<string> | Iterable<string>,
) {
  const skipped: Skipped[] = [];
  const found = await askAll(scope, names, skipped);
  const byTenant = Map.groupBy(found, ({ stamp }) => stamp.tenant_id);
  const done = { tenants: 0, members: 0, former: 0 };
  for (const all of byTenant.values()) {
    const [present, ...former] = all.toSorted(
      (a, b) =>
        Number(a.stamp.held_at ?? 0) - Number(b.stamp.held_at ?? 0) ||
        b.testimony.lastChangeAt - a.testimony.lastChangeAt,
    );
    if (!present) continue;
    try {
      await enter(scope, present, former);
      done.tenants++;
      done.members += present.testimony.people.length;
      done.former += former.length;
    } catch (error) {
      skipped.push({ name: present.name, reason: reasonOf(error, present) });
    }
  }
  return { ...done, skipped };
}

async function askAll(
  scope: JobScope,
  names: AsyncIterable<string> | Iterable<string>,
  skipped: Skipped[],
): Promise<Found[]> {
  const found: Found[] = [];
  const queue = (await collect(names)).values();
  const asker = async () => {
    for (const name of queue) {
      const outcome = await ask(scope, name);
      if ("reason" in outcome) skipped.push(outcome);
      else found.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, asker));
  return found;
}

async function collect(names: AsyncIterable<string> | Iterable<string>): Promise<string[]> {
  const ours: string[] = [];
  for await (const name of names) if (isOurName(name)) ours.push(name);
  return ours;
}

async function ask(scope: JobScope, name: string): Promise<Found | Skipped> {
  const { platform, openTenant } = scope;
  try {
    const there = await platform.findDatabase(name);
    if (!there) return { name, reason: "The platform has no such database" };
    const { token } = await platform.mintToken(name);
    const address = { ...platform.locate(name, there.host), token };
    const testimony = await testify(openTenant(address, name, patienceMs));
    const { stamp } = testimony;
    if (!stamp) return { name, reason: "It was never finished: it carries no stamp" };
    if (!isNamedAfter(name, stamp.tenant_id))
      return { name, reason: `It says it is ${stamp.tenant_id}'s` };
    return { name, ...there, stamp, testimony };
  } catch (error) {
    return { name, reason: reasonOf(error) };
  }
}

/** A tenant with all that belongs to it, or nothing of it. */
async function enter(scope: JobScope, present: Found, former: readonly Found[]): Promise<void> {
  const { db, request, platform, keyRing } = scope;
  const { now } = request;
  const { stamp, testimony, name, host, region } = present;
  const id = stamp.tenant_id;
  const token = await keepToken(keyRing, id, await platform.mintToken(name));
  const tenant = {
    id,
    slug: stamp.slug,
    name: stamp.name,
    ...standingOf(stamp),
    ...(stamp.plan && { plan: stamp.plan }),
    organizationId: stamp.organization_id ?? null,
    region,
    databaseName: name,
    databaseHost: host,
    ...token,
    schemaVersion: testimony.schemaVersion,
    createdAt: stamp.created_at,
    updatedAt: now,
  };
  const known = { tenantId: id, createdAt: now, updatedAt: now };
  const ledger = [
    { ...known, name, host, state: "current" as const },
    ...former.map((old) => ({
      ...known,
      name: old.name,
      host: old.host,
      state: "former" as const,
    })),
  ];
  const people = testimony.people.map((person) => ({
    ...person,
    tenantId: id,
    status: "active" as const,
  }));
  const head = { tenantId: id, ...testimony.head, sealedAt: 0 };
  await commit(scope, [
    write(db.insert(tenants).values(tenant).onConflictDoNothing({ target: tenants.id })),
    write(db.insert(auditHeads).values(head).onConflictDoNothing()),
    write(db.insert(databases).values(ledger).onConflictDoNothing()),
    ...people.map((person) => write(db.insert(memberships).values(person).onConflictDoNothing())),
  ]);
}

/** A deletion goes on where it was; what the platform lets through is closed as it was. */
function standingOf({ status, delete_after: deleteAfter }: Found["stamp"]) {
  if (status === "active") return { status };
  const databaseAccess = "readOnly" as const;
  if (status === "suspended") return { status, databaseAccess };
  return { status: "deleting" as const, databaseAccess, deleteAfter: deleteAfter ?? null };
}

function reasonOf(error: unknown, found?: Found): string {
  if (isUniqueViolation(error, "tenants.slug"))
    return `Another tenant has its slug: ${found?.stamp.slug}`;
  return error instanceof ApiError ? `${error.code}: ${error.message}` : "internal_error";
}
