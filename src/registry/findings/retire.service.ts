import { and, eq, inArray, lt, sql } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { isMisfit } from "../../db/faults.ts";
import { write } from "../../db/write.ts";
import { examine } from "../../tenant/identity/examine.ts";
import { commit } from "../commit.ts";
import { databases } from "../databases/databases.table.ts";
import { doom, markGone } from "../databases/former.service.ts";
import { isNamedAfter, isOurName } from "../databases/names.ts";
import { operations } from "../operations/operations.table.ts";
import type { JobScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
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
  if (quarantinedAt === null) {
    const tenantId = await findOwner(scope, finding);
    if (!tenantId || !(await isFree(scope, { ...finding, tenantId }))) return undefined;
    await quarantine(scope, finding, tenantId);
    return "quarantined";
  }
  if (!(await isFree(scope, finding))) return undefined;
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
 * The tenant it is beyond doubt: one this registry knows, whom the name is derived from and whose the
 * database says it is; or it says nothing yet, and we wrote down that we made it for them. Another
 * deployment's may have names like ours.
 */
async function findOwner(scope: JobScope, { subject }: Finding): Promise<string | undefined> {
  const { db, platform } = scope;
  if (!isOurName(subject)) return undefined;
  const there = await platform.findDatabase(subject);
  if (!there) return undefined;
  const stamped = await findStamp(scope, subject, there.host);
  const [[written]] = await batch(db, "read", [
    db.select({ tenantId: databases.tenantId }).from(databases).where(eq(databases.name, subject)),
  ] as const);
  const owner = stamped ?? written?.tenantId;
  if (!owner || !isNamedAfter(subject, owner)) return undefined;
  const [[known]] = await batch(db, "read", [
    db.select({ id: tenants.id }).from(tenants).where(eq(tenants.id, owner)),
  ] as const);
  return known?.id;
}

/** Undefined where it was never stamped. */
async function findStamp(
  { platform, openTenant }: JobScope,
  name: string,
  host: string | null,
): Promise<string | undefined> {
  const { token } = await platform.mintToken(name);
  const opened = openTenant({ ...platform.locate(name, host), token }, name, patienceMs);
  const seen = await examine(opened).catch((error) => {
    if (!isMisfit(error)) throw error;
  });
  return seen?.stamp?.tenantId;
}

async function quarantine(scope: JobScope, finding: Finding, tenantId: string): Promise<void> {
  const { db } = scope;
  const { id } = finding;
  const quarantinedAt = Date.now();
  // Written down first: whatever is closed can be found and opened again.
  await commit(scope, [
    write(db.update(findings).set({ quarantinedAt, tenantId }).where(eq(findings.id, id))),
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
  const [[written]] = await batch(db, "read", [
    db.select({ state: databases.state }).from(databases).where(eq(databases.name, subject)),
  ] as const);
  // What is written down is condemned in the batch that sees that nobody needs it.
  const inUse = () => new Error(`${subject} is in use`);
  if (written) await doom(scope, subject, ["made", "former", "doomed", "gone"], inUse);
  await platform.deleteDatabase(subject);
  await commit(scope, [
    write(markGone(scope, subject)),
    write(db.delete(findings).where(eq(findings.id, id))),
  ]);
}
