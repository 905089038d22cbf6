import { migrate } from "../../db/migrate.ts";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { stampOf } from "../../tenant/identity/status.service.ts";
import { hold, release, releaseHeld } from "../databases/hold.service.ts";
import { openFromLedger } from "../databases/ledger.service.ts";
import { hasSwapped, type Swapped, swap } from "../databases/swap.service.ts";
import { reindex } from "../memberships/reindex.service.ts";
import { newestSchema } from "../migrations/newest.ts";
import type { Kind, Work } from "../operations/kind.ts";
import { rulesOf } from "../tenants/suspension.service.ts";

export type RevertInput = Swapped & { readonly restorationId: string };
const inputOf = ({ operation }: Work) => operation.input as RevertInput;

/** A restoration taken back: the database it replaced takes its place again, with the log's old head. */
export const revert: Kind = {
  steps: {
    hold_writes: hold,
    /** A release may have come since it was replaced. Its stamp goes on refusing everybody else. */
    migrate: async (scope, work) => {
      const { former } = inputOf(work);
      await scope.platform.configure(former, rulesOf.open);
      await migrate(await openFromLedger(scope, work.tenant.id, former), tenantMigrations);
      return {};
    },
    swap: async (scope, work) => {
      const { former, formerHead } = inputOf(work);
      const stamp = await stampOf(await openFromLedger(scope, work.tenant.id, former));
      const tenant = { ...newestSchema, ...(stamp && { name: stamp.name }) };
      return await swap(scope, work, { to: former, head: formerHead, tenant });
    },
    reopen: async (scope, work) => {
      await release(scope, work, inputOf(work).former);
      return {};
    },
    reindex,
  },
  isPastReturn: hasSwapped,
  undo: { release_writes: releaseHeld },
};
