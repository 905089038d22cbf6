import { z } from "@hono/zod-openapi";
import { idOf, isId } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { slugPattern } from "../../core/slug.ts";
import { runStatuses } from "./migrations.table.ts";
import { waves } from "./waves.ts";

export const MigrationParams = z.object({ id: idOf("migration") });
export const MigrationsQuery = pageQuery(["createdAt"]);
export type MigrationsQuery = z.infer<typeof MigrationsQuery>;
export const FailuresQuery = pageQuery(["at"]);
export type FailuresQuery = z.infer<typeof FailuresQuery>;

const name = z
  .string()
  .refine((text) => isId("tenant", text) || slugPattern.test(text), "is no tenant's id or slug")
  .openapi({ example: "acme" });
const names = z.array(name).min(1).max(100);

export const NewMigration = z
  .strictObject({
    canaryCount: z.int().min(0).max(100).default(3).openapi({
      description: "How many go first where `canaries` names none: those that are behind most.",
    }),
    canaries: names.optional().openapi({ description: "Ids or slugs of those to go first." }),
    only: names.optional().openapi({ description: "Ids or slugs of these tenants and no others." }),
    haltAfter: z
      .union([
        z.strictObject({ failures: z.int().min(0).max(1_000_000) }),
        z.strictObject({ percent: z.number().min(0).max(100) }),
      ])
      .default({ percent: 5 })
      .openapi({ description: "More failures than this within a wave halt the run." }),
    dryRun: z.boolean().default(false).openapi({ description: "Says who it would be, no more." }),
  })
  .openapi("NewMigration", { minProperties: 0 });
export type NewMigration = z.infer<typeof NewMigration>;

const at = z.iso.datetime();
const count = z.int();
const HaltAfter = z.union([z.object({ failures: count }), z.object({ percent: z.number() })]);

export const Migration = z
  .object({
    id: z.string(),
    status: z.enum(runStatuses),
    target: count.openapi({ description: "The schema version it brings databases to." }),
    startedBy: z.object({ issuer: z.string().nullable(), subject: z.string() }),
    options: z.object({
      only: z.array(z.string()).nullable(),
      canaries: z.array(z.string()),
      haltAfter: HaltAfter,
    }),
    total: count.openapi({ description: "Tenants that were behind when it began." }),
    migrated: count,
    failed: count,
    skipped: count.openapi({ description: "Of `total`, what their own requests brought up." }),
    wave: z.object({ name: z.enum(waves), size: count, tried: count, failed: count }),
    perSecond: z.number().nullable(),
    secondsLeft: z.number().nullable(),
    next: z.string().openapi({ description: "What comes next, in a sentence." }),
    createdAt: at,
    updatedAt: at,
    finishedAt: at.nullable(),
  })
  .openapi("Migration", { description: "A rollout of the newest schema over the tenants." });
export type Migration = z.infer<typeof Migration>;

export const MigrationPage = z
  .object({ data: z.array(Migration), meta: PageMeta })
  .openapi("MigrationPage");

export const MigrationPlan = z
  .object({
    target: count,
    total: count,
    waves: z.array(z.object({ name: z.enum(waves), size: count })),
    canaries: z.array(z.string()),
    tenants: z
      .array(z.object({ id: z.string(), slug: z.string(), schemaVersion: count }))
      .openapi({ description: "The first hundred, in the order of the run after its canaries." }),
  })
  .openapi("MigrationPlan", { description: "Whom a run would touch." });
export type MigrationPlan = z.infer<typeof MigrationPlan>;

export const MigrationFailure = z
  .object({ tenantId: z.string(), slug: z.string(), schemaVersion: count, error: z.string(), at })
  .openapi("MigrationFailure");
export type MigrationFailure = z.infer<typeof MigrationFailure>;

export const MigrationFailurePage = z
  .object({ data: z.array(MigrationFailure), meta: PageMeta })
  .openapi("MigrationFailurePage");
