import { and, eq, gt, inArray, lt, ne, notExists, or, type SQL, sql } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { databases } from "../databases/databases.table.ts";
import { isOurName, tenantNamedBy } from "../databases/names.ts";
import { operationSteps, operations } from "../operations/operations.table.ts";
import type { JobScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { warmDatabases } from "../warm/warm.table.ts";
import type { FindingKind } from "./findings.table.ts";
import { findMissing, ledger } from "./ledger.ts";
import type { Listed, Seen, Sighting } from "./sighting.ts";

/** Looks for one thing, until it is late. */
type Check = (scope: JobScope, listed: Listed, until: number) => Promise<Seen>;

const hourMs = 3_600_000;

export async function listed({ platform }: JobScope): Promise<Listed> {
  const list = platform.listDatabases();
  if (!list) return undefined;
  const names = new Set<string>();
  for await (const { name } of list) names.add(name);
  return names;
}

/** One for each way in which registry and platform can disagree. Nothing is changed here. */
export const checks: Readonly<Record<FindingKind, Check>> = {
  database_missing: findMissing,
  database_unknown: async (scope, names) => {
    const ours = [...(names ?? [])].filter(isOurName);
    const known = new Set<string>();
    const { name } = warmDatabases;
    const [warm] = await batch(scope.db, "read", [
      scope.db.select({ name }).from(warmDatabases),
    ] as const);
    for (const row of warm) known.add(row.name);
    // In this order: what is taken off the shelf meanwhile is written down as a tenant's.
    const alive = ne(databases.state, "gone");
    for await (const rows of ledger(scope, alive)) for (const { name } of rows) known.add(name);
    const strangers = ours.filter((name) => !known.has(name));
    return whole(
      strangers.map((subject) => ({
        subject,
        tenantId: tenantNamedBy(subject) ?? null,
        detail: "The platform has this database, and nobody wrote it down",
      })),
    );
  },
  database_abandoned: async (scope) => {
    const { db } = scope;
    const isOver = notExists(
      db
        .select({ one: sql`1` })
        .from(operations)
        .where(
          and(
            eq(operations.tenantId, databases.tenantId),
            inArray(operations.status, ["pending", "running"]),
          ),
        ),
    );
    const isOld = lt(databases.createdAt, Date.now() - hourMs);
    const unused = and(eq(databases.state, "made"), isOld, isOver, isUnused);
    return await seen(scope, unused, "Made for work that is over, and in no use");
  },
  database_outlived: async (scope) => {
    const past = lt(databases.keepUntil, Date.now() - hourMs);
    const kept = inArray(databases.state, ["former", "doomed"]);
    const outlived = and(kept, past, isUnused);
    return await seen(scope, outlived, "Replaced, and past the time it was to be kept");
  },
  pointer_astray: async ({ db }) => {
    const { id, databaseName, status } = tenants;
    const present = db
      .select({ one: sql`1` })
      .from(databases)
      .where(
        and(
          eq(databases.name, databaseName),
          eq(databases.tenantId, id),
          eq(databases.state, "current"),
        ),
      );
    const [rows] = await batch(db, "read", [
      db
        .select({ id, databaseName })
        .from(tenants)
        .where(and(inArray(status, ["active", "suspended", "deleting"]), notExists(present))),
    ] as const);
    return whole(
      rows.map((row) => ({
        subject: row.id,
        tenantId: row.id,
        detail: `It is served from ${row.databaseName}, which is not written down as its present database`,
      })),
    );
  },
  operation_stuck: async ({ db }) => {
    const { id, tenantId, kind, status, failures, error, leaseUntil, retryAt } = operations;
    const longAgo = Date.now() - hourMs;
    const progress = sql`coalesce((select max(${operationSteps.finishedAt}) from ${operationSteps}
      where ${operationSteps.operationId} = ${id}), ${operations.createdAt})`;
    const fails = and(gt(failures, 0), sql`${progress} < ${longAgo}`);
    const left = and(
      lt(leaseUntil, longAgo),
      lt(retryAt, longAgo),
      lt(operations.updatedAt, longAgo),
    );
    const [rows] = await batch(db, "read", [
      db
        .select({ id, tenantId, kind, failures, error })
        .from(operations)
        .where(and(inArray(status, ["pending", "running"]), or(fails, left))),
    ] as const);
    return whole(
      rows.map((row) => ({
        subject: row.id,
        tenantId: row.tenantId,
        detail:
          row.failures > 0
            ? `"${row.kind}" has failed ${row.failures} times in a row: ${row.error}`
            : `Nobody has taken "${row.kind}" up for an hour: does the clock call?`,
      })),
    );
  },
};

const whole = (sightings: readonly Sighting[]): Seen => ({ sightings, complete: true });

/** No living tenant is served from it. */
const isUnused = sql`not exists (select 1 from ${tenants} where ${tenants.databaseName} = ${databases.name}
  and ${tenants.status} not in ('abandoned', 'deleted'))`;

async function seen({ db }: JobScope, which: SQL | undefined, detail: string): Promise<Seen> {
  const { name, tenantId } = databases;
  const [rows] = await batch(db, "read", [
    db.select({ subject: name, tenantId }).from(databases).where(which),
  ] as const);
  return whole(rows.map((row) => ({ ...row, detail })));
}
