import { type AnyColumn, inArray, type SQL } from "drizzle-orm";
import { integer, text } from "drizzle-orm/sqlite-core";

/** Milliseconds since 1970 in storage; `iso` turns them into ISO 8601 on the wire. */
export const instant = () => integer();
export const version = () => integer().notNull().default(1);

/** Who and when, on every entity that people edit. Who is as the log names them; null for the system. */
export const stamps = () => ({
  createdAt: instant().notNull(),
  updatedAt: instant().notNull(),
  createdBy: text(),
  updatedBy: text(),
});

/** Gone from reads, restorable, its unique names free again: see the partial indexes. */
export const softDelete = () => ({ deletedAt: instant(), deletedBy: text() });

export const iso = (at: number): string => new Date(at).toISOString();
export const isoOrNull = (at: number | null): string | null => (at === null ? null : iso(at));

/** The versions an `If-Match` header accepts; undefined and `"any"` accept every one. */
export type Accepted = readonly number[] | "any" | undefined;

export const atVersion = (column: AnyColumn, accepted: Accepted): SQL | undefined =>
  accepted === undefined || accepted === "any" ? undefined : inArray(column, [...accepted]);
