import { and, count, eq, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import { iso, isoOrNull } from "../../db/columns.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { pageOf } from "../../db/page.ts";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import type { RegistryScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import type {
  FailuresQuery,
  Migration,
  MigrationFailure,
  MigrationsQuery,
} from "./migrations.schema.ts";
import { migrationFailures, migrationRuns } from "./migrations.table.ts";
import { isLast, sizeOf, waves } from "./waves.ts";

type Run = typeof migrationRuns.$inferSelect;

export async function listRuns({ db }: RegistryScope, query: MigrationsQuery) {
  const columns = { createdAt: migrationRuns.createdAt };
  const page = pageOf(query, { list: "migrations", columns, id: migrationRuns.id });
  const [rows, [counted]] = await batch(db, "read", [
    db
      .select()
      .from(migrationRuns)
      .where(page.after)
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(migrationRuns),
  ] as const);
  return page.result(rows, counted?.total ?? 0, (row) => [row.createdAt, row.id], toWire);
}

export async function findRunning({ db }: RegistryScope): Promise<Run | undefined> {
  const [[run]] = await batch(db, "read", [
    db.select().from(migrationRuns).where(sql`status = 'running'`),
  ] as const);
  return run;
}

export async function getRun(scope: RegistryScope, id: string): Promise<Migration> {
  const { db } = scope;
  const [[run]] = await batch(db, "read", [
    db.select().from(migrationRuns).where(eq(migrationRuns.id, id)),
  ] as const);
  if (!run) throw noSuchRun();
  return toWire(run);
}

/** Tenants the run could not migrate, with why and where they are now. */
export async function listFailures(scope: RegistryScope, id: string, query: FailuresQuery) {
  const { db } = scope;
  const { runId, tenantId, error, at } = migrationFailures;
  const page = pageOf(query, { list: `failures ${id}`, columns: { at }, id: tenantId });
  const ofRun = eq(runId, id);
  const [[run], rows, [counted]] = await batch(db, "read", [
    db.select({ id: migrationRuns.id }).from(migrationRuns).where(eq(migrationRuns.id, id)),
    db
      .select({ tenantId, slug: tenants.slug, schemaVersion: tenants.schemaVersion, error, at })
      .from(migrationFailures)
      .innerJoin(tenants, eq(tenants.id, tenantId))
      .where(and(ofRun, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(migrationFailures).where(ofRun),
  ] as const);
  if (!run) throw noSuchRun();
  const shown = (row: (typeof rows)[number]): MigrationFailure => ({ ...row, at: iso(row.at) });
  return page.result(rows, counted?.total ?? 0, (row) => [row.at, row.tenantId], shown);
}

/** Goes on with a halted run where it stopped. Who failed in it is left to the next run. */
export async function resumeRun(scope: RegistryScope, id: string): Promise<Migration> {
  const again = { status: "running", waveFailed: 0, leaseUntil: 0 } as const;
  return await turn(scope, id, "halted", again).catch(async (error) => {
    if (!isUniqueViolation(error, "migration_runs.status")) throw error;
    throw new ApiError("migration_running", "Another run is going on: let it end, or cancel it");
  });
}

/** Ends a run that is going on or halted. Who is being migrated at this moment still is. */
export async function cancelRun(scope: RegistryScope, id: string): Promise<Migration> {
  return await turn(scope, id, "going on or halted", {
    status: "cancelled",
    finishedAt: scope.request.now,
  });
}

async function turn(
  scope: RegistryScope,
  id: string,
  from: "halted" | "going on or halted",
  changes: Partial<Run>,
): Promise<Migration> {
  const { db, request } = scope;
  const fits =
    from === "halted"
      ? eq(migrationRuns.status, "halted")
      : sql`${migrationRuns.status} in ('running', 'halted')`;
  const set = db
    .update(migrationRuns)
    .set({ ...changes, updatedAt: request.now })
    .where(and(eq(migrationRuns.id, id), fits));
  const otherwise = async () => {
    const { status } = await getRun(scope, id);
    return new ApiError("conflict", `The run is not ${from}: it is ${status}`);
  };
  const [[run]] = await commit(scope, [must(set, otherwise)], [
    db.select().from(migrationRuns).where(eq(migrationRuns.id, id)),
  ] as const);
  if (!run) throw noSuchRun();
  return toWire(run);
}

export function toWire(run: Run): Migration {
  const { id, status, target, total, migrated, failed, skipped, drivenMs } = run;
  const { only, canaries, haltAfter } = run.options;
  const rate = drivenMs > 0 ? ((migrated + failed) * 1000) / drivenMs : 0;
  const left = Math.max(0, total - migrated - failed - skipped);
  const rounded = (value: number) => Math.round(value * 10) / 10;
  return {
    id,
    status,
    target,
    startedBy: { issuer: run.issuer, subject: run.subject },
    options: { only: only && [...only], canaries: [...canaries], haltAfter },
    total,
    migrated,
    failed,
    skipped,
    wave: {
      name: waves[run.wave] ?? "all",
      size: sizeOf(run),
      tried: run.waveTried,
      failed: run.waveFailed,
    },
    perSecond: rate > 0 ? rounded(rate) : null,
    secondsLeft: status === "running" && rate > 0 ? rounded(left / rate) : null,
    next: nextOf(run),
    createdAt: iso(run.createdAt),
    updatedAt: iso(run.updatedAt),
    finishedAt: isoOrNull(run.finishedAt),
  };
}

function nextOf(run: Run): string {
  if (run.status === "halted")
    return "Nothing: too many failed. Look at the failures, then resume it or cancel it";
  if (run.status !== "running")
    return run.failed > 0 ? "Nothing: a new run tries those that failed again" : "Nothing";
  if (isLast(run)) return "Whoever is left";
  const room = sizeOf(run) - run.waveTried;
  return `${room} more of the wave ${waves[run.wave]}, then the wave ${waves[run.wave + 1]}`;
}

const noSuchRun = () => new ApiError("not_found", "No such migration");
