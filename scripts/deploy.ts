// npm run deploy -- --env staging|production [--dry-run]: registry migrated, then the Worker deployed. Safe to repeat.
import { execFileSync } from "node:child_process";
import { Secret } from "../src/core/secret.ts";
import { openRegistryDb } from "../src/db/connect.ts";
import { migrate } from "../src/db/migrate.ts";
import { registryMigrations } from "../src/db/migrations.gen.ts";
import { readArguments } from "./stack/arguments.ts";
import { refusal, runProgram } from "./stack/refusal.ts";

/** The registry first: new code may need its columns, old code does not mind them. */
async function migrateRegistry(): Promise<void> {
  const { GLOBAL_DATABASE_URL: url, GLOBAL_AUTH_TOKEN: token } = process.env;
  if (!url || !token)
    throw refusal("Set GLOBAL_DATABASE_URL and GLOBAL_AUTH_TOKEN to those of the registry.");
  const db = openRegistryDb(
    { url, namespace: process.env["GLOBAL_DATABASE_NAMESPACE"], token: new Secret(token) },
    {
      deadline: Date.now() + 60_000,
      timeoutMs: 30_000,
      writers: 1,
      spent: { trips: 0 },
      fetch,
    },
  );
  console.log(`The registry is at schema version ${await migrate(db, registryMigrations)}.`);
}

await runProgram(async () => {
  const { env, "dry-run": dryRun } = readArguments(
    { env: { type: "string", default: "" }, "dry-run": { type: "boolean", default: false } },
    "npm run deploy -- --env staging|production [--dry-run]",
  );
  if (env !== "staging" && env !== "production")
    throw refusal("Say where to: --env staging or --env production.");
  if (!dryRun) await migrateRegistry();
  execFileSync(process.execPath, ["scripts/assets.ts"], { stdio: "inherit" });
  const arguments_ = ["deploy", "--env", env, ...(dryRun ? ["--dry-run"] : [])];
  execFileSync("wrangler", arguments_, { stdio: "inherit" });
});
