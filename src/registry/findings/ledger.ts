import { and, asc, gt, inArray, type SQL } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { databases } from "../databases/databases.table.ts";
import type { JobScope } from "../scope.ts";
import type { Listed, Seen, Sighting } from "./sighting.ts";

const pageSize = 500;
const atOnce = 6;

type Written = { readonly name: string; readonly tenantId: string };

/** Everything written down that matches, a page at a time. */
export async function* ledger({ db }: JobScope, which?: SQL): AsyncGenerator<Written[]> {
  const { name, tenantId } = databases;
  for (let last = ""; ; ) {
    const [rows] = await batch(db, "read", [
      db
        .select({ name, tenantId })
        .from(databases)
        .where(and(which, gt(name, last)))
        .orderBy(asc(name))
        .limit(pageSize),
    ] as const);
    yield rows;
    last = rows.at(-1)?.name ?? "";
    if (rows.length < pageSize) return;
  }
}

/** What a list lacks is asked for by name: a list may leave out what is elsewhere. */
export async function findMissing(scope: JobScope, names: Listed, until: number): Promise<Seen> {
  const sightings: Sighting[] = [];
  let complete = true;
  const one = async ({ name, tenantId }: Written) => {
    if (names?.has(name)) return;
    try {
      if (await scope.platform.findDatabase(name)) return;
      const detail = "Written down as a tenant's, and the platform has no such database";
      sightings.push({ subject: name, tenantId, detail });
    } catch (error) {
      complete = false;
      scope.failed(tenantId, error);
    }
  };
  for await (const rows of ledger(scope, inArray(databases.state, ["current", "former"]))) {
    if (Date.now() > until) return { sightings, complete: false };
    const queue = rows.values();
    const asker = async () => {
      for (const row of queue) await one(row);
    };
    await Promise.all(Array.from({ length: atOnce }, asker));
  }
  return { sightings, complete };
}
