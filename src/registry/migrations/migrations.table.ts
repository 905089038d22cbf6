import { sql } from "drizzle-orm";
import {
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import { instant } from "../../db/columns.ts";
import { tenants } from "../tenants/tenants.table.ts";

export const runStatuses = ["running", "halted", "succeeded", "cancelled"] as const;

/** What a run was asked for, names already turned into ids. */
export type RunOptions = {
  /** These tenants and no others. */
  readonly only: readonly string[] | null;
  readonly canaries: readonly string[];
  /** More failures than this within a wave halt the run: so many, or so many percent of the wave. */
  readonly haltAfter: { readonly failures: number } | { readonly percent: number };
};

/** A rollout of the newest schema over all tenants. The row is the truth; whoever drives it may change. */
export const migrationRuns = sqliteTable(
  "migration_runs",
  {
    id: text().primaryKey(),
    status: text({ enum: runStatuses }).notNull(),
    /** The schema version it brings databases to. */
    target: integer().notNull(),
    options: text({ mode: "json" }).$type<RunOptions>().notNull(),
    /** Who started it; no issuer for the command line. */
    issuer: text(),
    subject: text().notNull(),
    wave: integer().notNull().default(0),
    /** Tenants the present wave has tried, and how many of them failed. */
    waveTried: integer().notNull().default(0),
    waveFailed: integer().notNull().default(0),
    /** Where the present sweep over those behind is. */
    cursorVersion: integer().notNull().default(-1),
    cursorId: text().notNull().default(""),
    /** Whether the present sweep left somebody out, so that there has to be another. */
    leftOut: integer({ mode: "boolean" }).notNull().default(false),
    /** How many were behind when it began. */
    total: integer().notNull(),
    migrated: integer().notNull().default(0),
    failed: integer().notNull().default(0),
    /** Those of `total` that somebody else brought up to date; known at the end. */
    skipped: integer().notNull().default(0),
    /** Each driver has a turn of its own: who is late changes nothing any more. */
    turn: integer().notNull().default(0),
    leaseUntil: instant().notNull().default(0),
    /** Milliseconds it was really driven, for its pace. */
    drivenMs: integer().notNull().default(0),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
    finishedAt: instant(),
  },
  (t) => [
    uniqueIndex("migration_runs_running").on(t.status).where(sql`status = 'running'`),
    index("migration_runs_created").on(t.createdAt, t.id),
  ],
);

/** What only says how far a run is. */
export const progress = [
  "waveTried",
  "waveFailed",
  "cursorVersion",
  "cursorId",
  "leftOut",
  "migrated",
  "failed",
  "turn",
  "leaseUntil",
  "drivenMs",
  "updatedAt",
] as const;

/** Tenants a run could not migrate. It does not try them again; the next run does. */
export const migrationFailures = sqliteTable(
  "migration_failures",
  {
    runId: text()
      .notNull()
      .references(() => migrationRuns.id, { onDelete: "cascade" }),
    tenantId: text()
      .notNull()
      .references(() => tenants.id, { onDelete: "cascade" }),
    error: text().notNull(),
    at: instant().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.runId, t.tenantId] }),
    index("migration_failures_at").on(t.runId, t.at, t.tenantId),
    index("migration_failures_tenant").on(t.tenantId),
  ],
);
