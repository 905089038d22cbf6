import { count, inArray, or } from "drizzle-orm";
import { ApiError, invalidField } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { batch } from "../../db/batch.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import type { RegistryScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { inOrder, isBehind, target } from "./behind.ts";
import type { Migration, MigrationPlan, NewMigration } from "./migrations.schema.ts";
import { migrationRuns, type RunOptions } from "./migrations.table.ts";
import { findRunning, toWire } from "./runs.service.ts";
import { waveSizes, waves } from "./waves.ts";

export type Starter = { readonly issuer: string | null; readonly subject: string };

/** Starts a run; it is over at once where nobody is behind. Whoever is to drive it comes on top. */
export async function startRun(
  scope: RegistryScope,
  input: NewMigration,
  by: Starter,
): Promise<Migration> {
  const { db, request } = scope;
  const { options, total } = await prepare(scope, input);
  const { now } = request;
  const over = total === 0;
  const row = {
    id: newId("migration", now),
    status: over ? ("succeeded" as const) : ("running" as const),
    target,
    options,
    ...by,
    total,
    createdAt: now,
    updatedAt: now,
    finishedAt: over ? now : null,
  };
  const [[run]] = await commit(scope, [write(db.insert(migrationRuns).values(row))], [
    db
      .select()
      .from(migrationRuns)
      .where(inArray(migrationRuns.id, [row.id])),
  ] as const).catch(async (error) => {
    throw isUniqueViolation(error, "migration_runs.status") ? await alreadyRunning(scope) : error;
  });
  if (!run) throw new Error("The run that was started is not there");
  return toWire(run);
}

/** Says whom a run would touch. Touches nobody. */
export async function planRun(scope: RegistryScope, input: NewMigration): Promise<MigrationPlan> {
  const { db } = scope;
  const { options, total } = await prepare(scope, input);
  const sizes = waveSizes(total, options.canaries.length);
  const [first] = await batch(db, "read", [
    db
      .select({ id: tenants.id, slug: tenants.slug, schemaVersion: tenants.schemaVersion })
      .from(tenants)
      .where(isBehind(target, options.only))
      .orderBy(...inOrder)
      .limit(100),
  ] as const);
  return {
    target,
    total,
    waves: waves.map((name, i) => ({ name, size: sizes[i] ?? 0 })),
    canaries: [...options.canaries],
    tenants: first,
  };
}

async function prepare(scope: RegistryScope, input: NewMigration) {
  const { db } = scope;
  const only = input.only ? await idsOf(scope, "only", input.only) : null;
  const named = input.canaries ? await idsOf(scope, "canaries", input.canaries) : undefined;
  const behind = isBehind(target, only);
  const first = db.select({ id: tenants.id }).from(tenants);
  const chosen = named
    ? first.where(
        isBehind(
          target,
          named.filter((id) => only?.includes(id) ?? true),
        ),
      )
    : first
        .where(behind)
        .orderBy(...inOrder)
        .limit(input.canaryCount);
  const [[counted], canaries] = await batch(db, "read", [
    db.select({ tenants: count() }).from(tenants).where(behind),
    chosen,
  ] as const);
  const { haltAfter } = input;
  const options: RunOptions = { only, canaries: canaries.map(({ id }) => id), haltAfter };
  return { options, total: counted?.tenants ?? 0 };
}

/** Throws where a name is nobody's: a typing error must not pass for a tenant that is done. */
async function idsOf({ db }: RegistryScope, field: string, names: readonly string[]) {
  const [rows] = await batch(db, "read", [
    db
      .select({ id: tenants.id, slug: tenants.slug })
      .from(tenants)
      .where(or(inArray(tenants.id, [...names]), inArray(tenants.slug, [...names]))),
  ] as const);
  const known = new Set(rows.flatMap(({ id, slug }) => [id, slug]));
  const unknown = names.find((name) => !known.has(name));
  if (unknown === undefined) return rows.map(({ id }) => id).sort();
  const message = `names no tenant: ${unknown}`;
  throw invalidField(`${field}: ${message}`, { in: "body", path: field, message });
}

async function alreadyRunning(scope: RegistryScope) {
  const running = await findRunning(scope);
  const which = running ? `${running.id} is going on: let it end, or cancel it` : "One just ended";
  return new ApiError("migration_running", which);
}
