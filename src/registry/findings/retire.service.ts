import { and, eq, inArray, lt, sql } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { isMisfit } from "../../db/faults.ts";
import { write } from "../../db/write.ts";
import { examine } from "../../tenant/identity/examine.ts";
import { commit } from "../commit.ts";
import { databases } from "../databases/databases.table.ts";
import { operations } from "../operations/operations.table.ts";
import type { JobScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { tenantOf } from "./checks.ts";
import { findings } from "./findings.table.ts";

type Finding = typeof findings.$inferSelect;

/** What of all that is found may ever be destroyed. */
const retirable = ["database_unknown", "database_abandoned", "database_outlived"] as const;
const most = 50;
const patienceMs = 5000;

/**
 * Databases that are nobody's: seen twice and ours beyond doubt, they are closed to everybody; when
 * nobody has missed them for days, they are destroyed.
 */
export async function retire(scope: JobScope, before: number) {
  const done = { quarantined: 0, removed: 0 };
  if (scope.removeAfterMs === 0) return done;
  for (const finding of await findRetirable(scope, before)) {
    try {
      const outcome = await handle(scope, finding);
      if (outcome) done[outcome]++;
    } catch (error) {
      scope.failed(finding.tenantId ?? finding.subject, error);
    }
  }
  return done;
}

async function handle(scope: JobScope, finding: Finding) {
  const { quarantinedAt } = finding;
  if (!(await isFree(scope, finding))) return undefined;
  if (quarantinedAt === null) {
    if (!(await isOurs(scope, finding))) return undefined;
    await quarantine(scope, finding);
    return "quarantined";
  }
  if (quarantinedAt > Date.now() - scope.removeAfterMs) {
    // Whoever wrote it down may have been cut off before it was closed.
    await close(scope, finding);
    return undefined;
  }
  await remove(scope, finding);
  return "removed";
}

async function findRetirable({ db }: JobScope, before: number): Promise<Finding[]> {
  const [rows] = await batch(db, "read", [
    db
      .select()
      .from(findings)
      .where(and(inArray(findings.kind, [...retirable]), lt(findings.firstSeenAt, before)))
      .orderBy(sql`random()`)
      .limit(most),
  ] as const);
  return rows;
}

/** No tenant is served from it, and nothing goes on that could change that. */
async function isFree({ db }: JobScope, { subject, tenantId }: Finding): Promise<boolean> {
  const [[served], [going]] = await batch(db, "read", [
    db
      .select({ id: tenants.id })
      .from(tenants)
      .where(
        and(
          eq(tenants.databaseName, subject),
          sql`${tenants.status} not in ('abandoned', 'deleted')`,
        ),
      ),
    db
      .select({ id: operations.id })
      .from(operations)
      .where(
        and(
          eq(operations.tenantId, tenantId ?? ""),
          inArray(operations.status, ["pending", "running"]),
        ),
      )
      .limit(1),
  ] as const);
  return served === undefined && going === undefined;
}

/**
 * The name is of a tenant this registry knows, and the database says it is that tenant's; or it says
 * nothing yet, and we wrote down that we made it. Another deployment's may have names like ours.
 */
async function isOurs(scope: JobScope, { subject }: Finding): Promise<boolean> {
  const { db, platform, openTenant } = scope;
  const tenantId = tenantOf(subject);
  if (!tenantId) return false;
  const [[known], [written]] = await batch(db, "read", [
    db.select({ id: tenants.id }).from(tenants).where(eq(tenants.id, tenantId)),
    db.select({ name: databases.name }).from(databases).where(eq(databases.name, subject)),
  ] as const);
  const there = known && (await platform.findDatabase(subject));
  if (!there) return false;
  const { token } = await platform.mintToken(subject);
  const address = { ...platform.locate(subject, there.host), token };
  const stamp = await examine(openTenant(address, tenantId, patienceMs)).then(
    (seen) => seen.stamp,
    (error) => {
      if (!isMisfit(error)) throw error;
      return undefined;
    },
  );
  return stamp ? stamp.tenantId === tenantId : written !== undefined;
}

async function quarantine(scope: JobScope, finding: Finding): Promise<void> {
  const { db } = scope;
  const { id } = finding;
  const quarantinedAt = Date.now();
  // Written down first: whatever is closed can be found and opened again.
  await commit(scope, [
    write(db.update(findings).set({ quarantinedAt }).where(eq(findings.id, id))),
  ]);
  await close(scope, finding);
}

async function close({ platform }: JobScope, { subject }: Finding): Promise<void> {
  const blockReason = "In use by nobody: about to be destroyed";
  await platform.configure(subject, { blockReads: true, blockWrites: true, blockReason });
}

/** Opens again what was closed. False where that failed: it stays on the list. */
export async function release(scope: JobScope, finding: Finding): Promise<boolean> {
  const { subject, tenantId, quarantinedAt } = finding;
  const { platform } = scope;
  if (quarantinedAt === null) return true;
  try {
    if (await platform.findDatabase(subject))
      await platform.configure(subject, { blockReads: false, blockWrites: false });
    return true;
  } catch (error) {
    scope.failed(tenantId ?? subject, error);
    return false;
  }
}

async function remove(scope: JobScope, { id, subject }: Finding): Promise<void> {
  const { db, platform } = scope;
  await platform.deleteDatabase(subject);
  const gone = { state: "gone" as const, updatedAt: Date.now() };
  await commit(scope, [
    write(db.update(databases).set(gone).where(eq(databases.name, subject))),
    write(db.delete(findings).where(eq(findings.id, id))),
  ]);
}
