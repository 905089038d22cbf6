import { hold, release, releaseHeld } from "../databases/hold.service.ts";
import { type Swapped, swap } from "../databases/swap.service.ts";
import { reindex } from "../memberships/reindex.service.ts";
import type { Kind, Work } from "../operations/kind.ts";

export type RevertInput = Swapped & { readonly restorationId: string };
const inputOf = ({ operation }: Work) => operation.input as RevertInput;

/** A restoration taken back: the database it replaced takes its place again, with the log's old head. */
export const revert: Kind = {
  steps: {
    hold_writes: hold,
    swap: async (scope, work) => {
      const { former, formerHead } = inputOf(work);
      return await swap(scope, work, { to: former, head: formerHead });
    },
    reopen: async (scope, work) => {
      await release(scope, work, inputOf(work).former);
      return {};
    },
    reindex,
  },
  undo: { release_writes: releaseHeld },
};
