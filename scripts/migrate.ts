// npm run migrate: the registry, then the fleet, to the newest schema. Safe to repeat. Exits 1 where tenants failed, 2 where it could not run.
import { ApiError } from "../src/core/error.ts";
import { isMisfit } from "../src/db/faults.ts";
import { migrate } from "../src/db/migrate.ts";
import { registryMigrations } from "../src/db/migrations.gen.ts";
import { NewMigration } from "../src/registry/migrations/migrations.schema.ts";
import { planRun } from "../src/registry/migrations/start.service.ts";
import type { FleetScope } from "../src/registry/scope.ts";
import { showProgress } from "./fleet/progress.ts";
import { describeEnd, rollFleet } from "./fleet/roll.ts";
import { findVariables, openFleet } from "./fleet/settings.ts";
import { describeFleet } from "./fleet/status.ts";
import { readArguments } from "./stack/arguments.ts";
import { refusal, runProgram } from "./stack/refusal.ts";

const usage =
  "npm run migrate -- [--status | --dry-run] [--only SLUG|ID]... [--canary SLUG|ID]... [--halt-after 5%|3] [--concurrency 6] [--data .data]";
const cannotRun = 2;

const options = () =>
  readArguments(
    {
      status: { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      only: { type: "string", multiple: true },
      canary: { type: "string", multiple: true },
      "halt-after": { type: "string", default: "5%" },
      concurrency: { type: "string", default: "6" },
      data: { type: "string", default: ".data" },
    },
    usage,
  );
type Options = ReturnType<typeof options>;

function readInput({ only, canary, "halt-after": text }: Options): NewMigration {
  const [, number, percent] = /^(\d{1,6})(%?)$/.exec(text) ?? [];
  if (number === undefined)
    throw refusal(`--halt-after ${text} is neither a share nor a number. Usage: ${usage}`);
  const haltAfter = percent ? { percent: Number(number) } : { failures: Number(number) };
  const named = { ...(only && { only }), ...(canary && { canaries: canary }) };
  const { data, error } = NewMigration.safeParse({ ...named, haltAfter });
  if (data) return data;
  const [issue] = error.issues;
  throw refusal(`${issue?.path.join(".")} ${issue?.message}. Usage: ${usage}`);
}

function readConcurrency({ concurrency }: Options): number {
  if (/^[1-6]$/.test(concurrency)) return Number(concurrency);
  throw refusal(`--concurrency ${concurrency} is not a number from 1 to 6. Usage: ${usage}`);
}

async function plan(scope: FleetScope, input: NewMigration): Promise<string[]> {
  const { total, target, waves, canaries, tenants } = await planRun(scope, input);
  const more = total - tenants.length;
  return [
    `${total} tenants are behind schema version ${target}. Waves: ${waves.map(({ name, size }) => `${name} ${size}`).join(", ")}.`,
    ...tenants.map(
      ({ id, slug, schemaVersion }) =>
        `  ${slug} (${id}) at ${schemaVersion}${canaries.includes(id) ? ", canary" : ""}`,
    ),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

const print = (lines: string[]) => console.log(lines.join("\n"));

/** A registry from before the fleet was counted has nothing to show. */
function unlessOld(error: unknown): never {
  throw isMisfit(error)
    ? refusal("The registry itself is behind this release: run npm run migrate.")
    : error;
}

async function main(): Promise<void> {
  const chosen = options();
  const input = readInput(chosen);
  const atOnce = readConcurrency(chosen);
  const scope = openFleet(findVariables(chosen.data));
  if (chosen.status) return print(await describeFleet(scope).catch(unlessOld));
  if (chosen["dry-run"]) return print(await plan(scope, input).catch(unlessOld));
  const version = await migrate(scope.db, registryMigrations);
  console.log(`The registry is at schema version ${version}.`);
  const { tell } = showProgress(process.stdout, Boolean(process.env["CI"]));
  const run = await rollFleet(scope, { input, atOnce, tell, say: (line) => console.log(line) });
  print([...(await describeEnd(scope, run)), `${run.migrated} migrated, ${run.failed} failed.`]);
  if (run.failed > 0 || run.status !== "succeeded") process.exitCode = 1;
}

/** What we say ourselves is one sentence here too. */
const inWords = (error: unknown): never => {
  throw error instanceof ApiError ? refusal(`${error.message}.`) : error;
};

await runProgram(() => main().catch(inWords), cannotRun);
