import type { AnyColumn } from "drizzle-orm";
import { type SQL, sql } from "drizzle-orm";

/** The caller, as the guard of the running batch proved them. */
export const actor: SQL = sql`(select actor_id from audit_context)`;

/** For a new row, beside what the caller sent. */
export const created = (now: number) => ({
  createdAt: now,
  updatedAt: now,
  createdBy: actor,
  updatedBy: actor,
});

/** For a changed row: who, when, and the next version. */
export const touched = (version: AnyColumn, now: number) => ({
  version: sql`${version} + 1`,
  updatedAt: now,
  updatedBy: actor,
});
