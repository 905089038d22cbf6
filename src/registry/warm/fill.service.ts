import { asc, count, eq } from "drizzle-orm";
import { newId } from "../../core/id.ts";
import { batch } from "../../db/batch.ts";
import { migrate } from "../../db/migrate.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { untilReady } from "../../db/ready.ts";
import { write } from "../../db/write.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import { commit } from "../commit.ts";
import { takeChore } from "../findings/chore.ts";
import type { JobScope } from "../scope.ts";
import { warmDatabases } from "./warm.table.ts";

const runMs = 60_000;
/** As long as one run may take: two at once would make twice as many. */
const everyMs = 2 * runMs;
const patienceMs = 30_000;

/**
 * Keeps so many databases ready for whoever signs up next. What was begun and not finished is gone on
 * with, so nothing is made that nobody knows of.
 */
export async function fillWarmPool(scope: JobScope) {
  const done = { made: 0, failed: 0 };
  if (scope.warmPoolSize === 0 || !(await takeChore(scope, "fill_warm_pool", everyMs))) return done;
  const until = Date.now() + runMs;
  for (const tenantId of await begin(scope)) {
    if (Date.now() > until) break;
    try {
      await make(scope, tenantId);
      done.made++;
    } catch (error) {
      done.failed++;
      scope.failed(tenantId, error);
    }
  }
  return done;
}

/** Writes down what is missing, and tells all that is not ready yet. */
async function begin(scope: JobScope): Promise<string[]> {
  const { db, warmPoolSize } = scope;
  const { tenantId, state, createdAt } = warmDatabases;
  const begun = db
    .select({ tenantId })
    .from(warmDatabases)
    .where(eq(state, "made"))
    .orderBy(asc(createdAt));
  const all = db.select({ many: count() }).from(warmDatabases);
  const [[counted], unfinished] = await batch(db, "read", [all, begun] as const);
  const ids = Array.from({ length: Math.max(0, warmPoolSize - (counted?.many ?? 0)) }, () =>
    newId("tenant"),
  );
  const rows = ids.map((id) => ({
    tenantId: id,
    name: databaseNameOf(id),
    state: "made" as const,
    createdAt: Date.now(),
  }));
  if (rows.length > 0) await commit(scope, [write(db.insert(warmDatabases).values(rows))]);
  return [...unfinished.map((row) => row.tenantId), ...ids];
}

async function make(scope: JobScope, id: string): Promise<void> {
  const { db, platform, openTenant } = scope;
  const name = databaseNameOf(id);
  const host = await platform.ensureDatabase({ name });
  const { token } = await platform.mintToken(name);
  const opened = openTenant({ ...platform.locate(name, host), token }, id, patienceMs);
  await untilReady(opened, opened.budget.deadline - patienceMs / 2);
  await migrate(opened, tenantMigrations);
  const ready = db
    .update(warmDatabases)
    .set({ state: "ready" })
    .where(eq(warmDatabases.tenantId, id));
  await commit(scope, [write(ready)]);
}
