import { createRoute } from "@hono/zod-openapi";
import { identityRouter } from "../../http/context.ts";
import { forOperators, operatorErrors } from "../../http/guard.ts";
import { body, json } from "../../http/openapi.ts";
import {
  FailuresQuery,
  Migration,
  MigrationFailurePage,
  MigrationPage,
  MigrationParams,
  MigrationPlan,
  MigrationsQuery,
  NewMigration,
} from "./migrations.schema.ts";
import { cancelRun, getRun, listFailures, listRuns, resumeRun } from "./runs.service.ts";
import { planRun, startRun } from "./start.service.ts";

const tags = ["Operators"];

export const adminMigrations = identityRouter();

adminMigrations.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/migrations",
    operationId: "listMigrations",
    summary: "List the migrations of the fleet",
    tags,
    request: { query: MigrationsQuery },
    responses: { 200: json(MigrationPage, "One page of migrations"), ...operatorErrors() },
  }),
  async (c) => c.json(await listRuns(c.var.registry, c.req.valid("query")), 200),
);

adminMigrations.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/migrations",
    operationId: "startMigration",
    summary: "Bring the tenants that are behind to the newest schema",
    description:
      "Canaries first, then 1 %, 10 % and all. Goes on by the clock; halts where too many fail. One goes on at a time.",
    tags,
    request: { body: body(NewMigration) },
    responses: {
      200: json(MigrationPlan, "Whom it would touch, for a dry run"),
      202: json(Migration, "The migration, which goes on; see Location", "Location"),
      ...operatorErrors("migration_running"),
    },
  }),
  async (c) => {
    const { registry, identity, ports } = c.var;
    const input = c.req.valid("json");
    if (input.dryRun) return c.json(await planRun(registry, input), 200);
    const { issuer, subject } = identity;
    const run = await startRun(registry, input, { issuer, subject });
    c.header("location", `${c.req.path}/${run.id}`);
    ports.driveMigration(c.var, run.id);
    return c.json(run, 202);
  },
);

adminMigrations.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/migrations/{id}",
    operationId: "getMigration",
    summary: "How far a migration is, how fast, and what comes next",
    tags,
    request: { params: MigrationParams },
    responses: { 200: json(Migration, "The migration"), ...operatorErrors("not_found") },
  }),
  async (c) => c.json(await getRun(c.var.registry, c.req.valid("param").id), 200),
);

adminMigrations.openapi(
  createRoute({
    ...forOperators(),
    method: "get",
    path: "/admin/migrations/{id}/failures",
    operationId: "listMigrationFailures",
    summary: "List the tenants a migration could not bring up to date",
    tags,
    request: { params: MigrationParams, query: FailuresQuery },
    responses: {
      200: json(MigrationFailurePage, "One page of tenants"),
      ...operatorErrors("not_found"),
    },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await listFailures(c.var.registry, id, c.req.valid("query")), 200);
  },
);

adminMigrations.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/migrations/{id}/resumption",
    operationId: "resumeMigration",
    summary: "Go on with a migration that halted",
    tags,
    request: { params: MigrationParams },
    responses: {
      200: json(Migration, "The migration, which goes on"),
      ...operatorErrors("not_found", "conflict", "migration_running"),
    },
  }),
  async (c) => {
    const run = await resumeRun(c.var.registry, c.req.valid("param").id);
    c.var.ports.driveMigration(c.var, run.id);
    return c.json(run, 200);
  },
);

adminMigrations.openapi(
  createRoute({
    ...forOperators(),
    method: "post",
    path: "/admin/migrations/{id}/cancellation",
    operationId: "cancelMigration",
    summary: "End a migration that goes on or halted",
    tags,
    request: { params: MigrationParams },
    responses: {
      200: json(Migration, "The migration, which is over"),
      ...operatorErrors("not_found", "conflict"),
    },
  }),
  async (c) => c.json(await cancelRun(c.var.registry, c.req.valid("param").id), 200),
);
