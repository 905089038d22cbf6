import { sql } from "drizzle-orm";
import { batch, statement } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { untilReady } from "../../db/ready.ts";
import { ledgerOf, tablesOf } from "../../db/tables.ts";
import { copyMs } from "../../platform/platform.ts";
import { Hopeless, type Kind, type Work } from "../operations/kind.ts";
import type { WorkScope } from "../scope.ts";
import { hold, release, releaseHeld } from "./hold.service.ts";
import { ledgerChange, openFromLedger } from "./ledger.service.ts";
import { deleteMade, hasSwapped, madeBy, swap } from "./swap.service.ts";

export type MoveInput = { readonly region?: string };
const regionFor = ({ operation, tenant }: Work) =>
  (operation.input as MoveInput).region ?? tenant.region ?? undefined;

/** How many rows each table has, and which migrations made it. */
async function outlineOf(db: TenantDb): Promise<string> {
  const tables = await tablesOf(db);
  const counts = tables.map(({ name }) =>
    statement<{ rows: number }>(db, sql`select count(*) as "rows" from ${sql.identifier(name)}`),
  );
  const rows = await batch(db, "read", counts);
  const counted = tables.map((table, i) => [table, rows[i]?.[0]?.rows]);
  return JSON.stringify([counted, await ledgerOf(db)]);
}

/**
 * The tenant's database somewhere else. It is held before it is copied, so that no write is lost: until
 * the swap it can be read, and writes are told to come back.
 */
export const move: Kind = {
  steps: {
    hold_writes: hold,
    copy_database: async (scope, work) => {
      const name = madeBy(work);
      const copyOf = { name: work.tenant.databaseName };
      const host = await scope.platform.ensureDatabase({ name, region: regionFor(work), copyOf });
      return { also: [ledgerChange(scope, name, { host })] };
    },
    verify: async (scope: WorkScope, work) => {
      const { id, databaseName } = work.tenant;
      const made = await openFromLedger(scope, id, madeBy(work));
      await untilReady(made, Date.now() + copyMs / 4);
      const original = await openFromLedger(scope, id, databaseName);
      if ((await outlineOf(made)) !== (await outlineOf(original)))
        throw new Hopeless("The copy is not what the original is");
      return {};
    },
    open: async (scope, work) => {
      await release(scope, work, madeBy(work));
      return {};
    },
    swap: async (scope, work) =>
      await swap(scope, work, {
        to: madeBy(work),
        tenant: { region: regionFor(work) ?? null },
      }),
  },
  isPastReturn: hasSwapped,
  long: ["copy_database"],
  undo: { release_writes: releaseHeld, delete_database: deleteMade },
};
