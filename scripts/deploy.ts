// npm run deploy -- --env staging|production [--dry-run]: registry migrated, Worker deployed, fleet rolled. Safe to repeat.
import { execFileSync, spawnSync } from "node:child_process";
import { ApiError } from "../src/core/error.ts";
import { systemRequest } from "../src/core/request.ts";
import { Secret } from "../src/core/secret.ts";
import { openRegistryDb, type RegistryDb } from "../src/db/connect.ts";
import { migrate } from "../src/db/migrate.ts";
import { registryMigrations } from "../src/db/migrations.gen.ts";
import { NewMigration } from "../src/registry/migrations/migrations.schema.ts";
import { startRun } from "../src/registry/migrations/start.service.ts";
import { cli } from "./fleet/roll.ts";
import { readArguments } from "./stack/arguments.ts";
import { refusal, runProgram } from "./stack/refusal.ts";

function openRegistry(): RegistryDb {
  const { GLOBAL_DATABASE_URL: url, GLOBAL_AUTH_TOKEN: token } = process.env;
  if (!url || !token)
    throw refusal("Set GLOBAL_DATABASE_URL and GLOBAL_AUTH_TOKEN to those of the registry.");
  return openRegistryDb(
    { url, namespace: process.env["GLOBAL_DATABASE_NAMESPACE"], token: new Secret(token) },
    {
      deadline: Number.MAX_SAFE_INTEGER,
      timeoutMs: 30_000,
      writers: 1,
      spent: { trips: 0 },
      fetch,
    },
  );
}

/** From here where the key to the tenants' tokens is at hand; else the Worker's clock has it done. */
async function rollFleet(db: RegistryDb): Promise<void> {
  if (process.env["ENCRYPTION_KEY"]) {
    const { status } = spawnSync(process.execPath, ["scripts/migrate.ts"], { stdio: "inherit" });
    process.exitCode = status ?? 2;
    return;
  }
  const actor = { type: "system", id: "cli" } as const;
  const scope = { db, actor, request: systemRequest("deploy") };
  const started = await startRun(scope, NewMigration.parse({}), cli)
    .then(({ id, total }) => `${id}: ${total} tenants are behind`)
    .catch((error) => {
      if (error instanceof ApiError && error.code === "migration_running") return error.message;
      throw error;
    });
  console.log(`${started}. The Worker's clock goes on with it: see GET /api/v1/admin/migrations.`);
}

await runProgram(async () => {
  const { env, "dry-run": dryRun } = readArguments(
    { env: { type: "string", default: "" }, "dry-run": { type: "boolean", default: false } },
    "npm run deploy -- --env staging|production [--dry-run]",
  );
  if (env !== "staging" && env !== "production")
    throw refusal("Say where to: --env staging or --env production.");
  // The registry first: new code may need its columns, old code does not mind them.
  const registry = dryRun ? undefined : openRegistry();
  if (registry) {
    const version = await migrate(registry, registryMigrations);
    console.log(`The registry is at schema version ${version}.`);
  }
  execFileSync(process.execPath, ["scripts/assets.ts"], { stdio: "inherit" });
  const arguments_ = ["deploy", "--env", env, ...(dryRun ? ["--dry-run"] : [])];
  execFileSync("wrangler", arguments_, { stdio: "inherit" });
  // The fleet last: code that runs migrates whoever asks, and nothing older runs any more.
  if (registry) await rollFleet(registry);
});
