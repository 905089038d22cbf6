import { backup } from "./backups/backup.steps.ts";
import { move } from "./databases/move.steps.ts";
import { importing } from "./imports/import.steps.ts";
import type { Kind } from "./operations/kind.ts";
import type { OperationKind } from "./operations/operations.table.ts";
import { restore, rewind } from "./restorations/restore.steps.ts";
import { revert } from "./restorations/revert.steps.ts";
import { provision } from "./tenants/provision.steps.ts";
import { provisionForOwner } from "./tenants/provision-for-owner.steps.ts";
import { purge } from "./tenants/purge.steps.ts";
import { rotate } from "./tenants/rotate.steps.ts";

/** The table of contents of long work: what each kind of operation does, step by step. */
export const kinds: Readonly<Record<OperationKind, Kind>> = {
  provision,
  provision_for_owner: provisionForOwner,
  purge,
  rotate,
  backup,
  restore,
  rewind,
  revert,
  move,
  import: importing,
};
