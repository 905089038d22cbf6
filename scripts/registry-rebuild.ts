// npm run registry:rebuild [-- --names FILE | --data DIR]: an empty registry written anew out of the tenants' databases. Safe to repeat.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { migrate } from "../src/db/migrate.ts";
import { registryMigrations } from "../src/db/migrations.gen.ts";
import { parseSettings } from "../src/env.ts";
import { createJobScopes } from "../src/ports.jobs.ts";
import { rebuildRegistry } from "../src/registry/rebuild/rebuild.service.ts";
import type { JobScope } from "../src/registry/scope.ts";
import { readArguments } from "./stack/arguments.ts";
import { deploymentSettings, unhurried } from "./stack/environment.ts";
import { refusal, runProgram } from "./stack/refusal.ts";

const usage = "npm run registry:rebuild -- [--names FILE] [--data .data]";

/** One a line in a file, else the platform's list, else what a server of our own has on its disk. */
async function namesFrom({ platform }: JobScope, file: string, data: string): Promise<string[]> {
  if (file) return readFileSync(file, "utf8").split(/\s+/).filter(Boolean);
  const list = platform.listDatabases();
  if (list) return await namesOf(list);
  const folder = join(data, "sqld", "dbs");
  if (!existsSync(folder))
    throw refusal(
      `The platform has no list of its databases, and ${folder} is not there: give their names with --names, one a line. Usage: ${usage}`,
    );
  return readdirSync(folder);
}

async function namesOf(list: AsyncIterable<{ name: string }>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of list) names.push(name);
  return names;
}

await runProgram(async () => {
  const { names, data } = readArguments(
    { names: { type: "string", default: "" }, data: { type: "string", default: ".data" } },
    usage,
  );
  const settings = parseSettings(deploymentSettings(data));
  const failed: JobScope["failed"] = (tenantId, error) => console.error(tenantId, error);
  const scope = { ...createJobScopes(settings, unhurried(settings))("registry-rebuild"), failed };
  await migrate(scope.db, registryMigrations);
  const done = await rebuildRegistry(scope, await namesFrom(scope, names, data));
  for (const { name, reason } of done.skipped) console.error(`Left out: ${name}: ${reason}`);
  console.log(
    `The registry has ${done.tenants} tenants with ${done.members} people, and ${done.former} former databases.`,
  );
  if (done.skipped.length > 0) process.exitCode = 1;
});
