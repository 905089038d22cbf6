import type { Write } from "../../db/write.ts";
import type { WorkScope } from "../scope.ts";
import type { tenants } from "../tenants/tenants.table.ts";
import type { operations } from "./operations.table.ts";

export type Tenant = typeof tenants.$inferSelect;

/** What a step works on, as it was stored when the step before it ended. */
export type Work = {
  readonly operation: typeof operations.$inferSelect;
  readonly tenant: Tenant;
};

/** What a step found out, stored in one batch with the record that it is done. */
export type Found = {
  /** Columns of the tenant's row. */
  readonly tenant?: Partial<Tenant>;
  /** Kept for later steps, and for who looks at the operation: never a secret. */
  readonly output?: Readonly<Record<string, unknown>>;
  /** Shown as the step's own: "3 of 12 tables". */
  readonly progress?: string;
  /** What else changes in the registry along with it. */
  readonly also?: readonly Write[];
  /** The step is not over: it is called again with what it has put out, after so many milliseconds. */
  readonly againAfterMs?: number;
};

/**
 * Safe to run twice, also at once, and after it was cut off anywhere: what it makes has a name that
 * derives from the operation, so that a second run finds what the first one made.
 */
export type Step = (scope: WorkScope, work: Work) => Promise<Found | undefined>;

export type Kind = {
  /** In this order. */
  readonly steps: Readonly<Record<string, Step>>;
  /** What makes everything as if it had never been asked for, in this order. Without it, it goes on for ever. */
  readonly undo?: Readonly<Record<string, Step>>;
  /** Undoing it would take away what is in use by now: from here on it only goes forward. */
  readonly isPastReturn?: (work: Work) => boolean;
  /** Steps that a platform takes its time for: whoever is at one keeps others waiting for longer. */
  readonly long?: readonly string[];
};

/** No repetition mends this: the operation is undone at once, and `reason` says why. */
export class Hopeless extends Error {
  override readonly name = "Hopeless";
  readonly reason: string;
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
  }
}
