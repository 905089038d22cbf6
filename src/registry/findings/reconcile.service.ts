import { and, eq, inArray, lt } from "drizzle-orm";
import { newId } from "../../core/id.ts";
import { batch } from "../../db/batch.ts";
import { write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import type { JobScope } from "../scope.ts";
import { checks, listed } from "./checks.ts";
import { takeChore } from "./chore.ts";
import { type FindingKind, findingKinds, findings } from "./findings.table.ts";
import { release, retire } from "./retire.service.ts";
import type { Sighting } from "./sighting.ts";

const everyMs = 3_600_000;
const runMs = 60_000;

/**
 * Once an hour: compares what is written down with what the platform has, notes what does not add up,
 * forgets what does again, and takes what is nobody's any more out of use.
 */
export async function reconcile(scope: JobScope) {
  const done = { findings: 0, cleared: 0, quarantined: 0, removed: 0 };
  if (!(await takeChore(scope, "reconcile", everyMs))) return done;
  const began = Date.now();
  const failures: unknown[] = [];
  const names = await listed(scope);
  for (const kind of findingKinds) {
    try {
      const seen = await checks[kind](scope, names, began + runMs);
      done.findings += seen.sightings.length;
      await note(scope, kind, seen.sightings);
      if (seen.complete) done.cleared += await forget(scope, kind, began);
    } catch (error) {
      failures.push(error);
    }
  }
  const retired = await retire(scope, began);
  if (failures.length > 0) throw failures[0];
  return { ...done, ...retired };
}

/** When it was first seen stays as it is, however often it is seen again. */
async function note(scope: JobScope, kind: FindingKind, sightings: readonly Sighting[]) {
  if (sightings.length === 0) return;
  const now = Date.now();
  const { db } = scope;
  const writes = sightings.map((sighting) =>
    write(
      db
        .insert(findings)
        .values({ id: newId("finding"), kind, ...sighting, firstSeenAt: now, lastSeenAt: now })
        .onConflictDoUpdate({
          target: [findings.kind, findings.subject],
          set: { detail: sighting.detail, lastSeenAt: now },
        }),
    ),
  );
  await commit(scope, writes);
}

/** What is not so any more. A database that was kept from everybody is theirs again first. */
async function forget(scope: JobScope, kind: FindingKind, since: number): Promise<number> {
  const { db } = scope;
  const [over] = await batch(db, "read", [
    db
      .select()
      .from(findings)
      .where(and(eq(findings.kind, kind), lt(findings.lastSeenAt, since))),
  ] as const);
  const forgotten: string[] = [];
  for (const finding of over) if (await release(scope, finding)) forgotten.push(finding.id);
  if (forgotten.length > 0)
    await commit(scope, [write(db.delete(findings).where(inArray(findings.id, forgotten)))]);
  return forgotten.length;
}
