import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ApiError } from "../../src/core/error.ts";
import { systemRequest } from "../../src/core/request.ts";
import type { Budget } from "../../src/db/connect.ts";
import { parseFleetSettings } from "../../src/env.ts";
import { fleetOf, locatorOf, registryOf } from "../../src/ports.backends.ts";
import type { FleetScope } from "../../src/registry/scope.ts";
import { refusal } from "../stack/refusal.ts";

type Variables = Record<string, string | undefined>;

/** The environment's; else those of the local stack that runs on the data directory; else those of `.dev.vars`. */
export function findVariables(dataDir: string): Variables {
  if (process.env["GLOBAL_DATABASE_URL"]) return process.env;
  const local = join(dataDir, "worker.env");
  const file = existsSync(join(dataDir, "stack.json")) && existsSync(local) ? local : ".dev.vars";
  if (existsSync(file)) return parseEnv(readFileSync(file, "utf8"));
  throw refusal(
    `Which fleet? Set GLOBAL_DATABASE_URL and its fellows, or start a local stack on ${dataDir} with npm run dev.`,
  );
}

/** What drives the fleet from the command line, for as long as that takes. */
export function openFleet(variables: Variables): FleetScope {
  const settings = parsed(variables);
  const budget: Budget = {
    deadline: Number.MAX_SAFE_INTEGER,
    timeoutMs: 15_000,
    writers: 1,
    spent: { trips: 0 },
    fetch,
  };
  return {
    db: registryOf(settings, budget),
    actor: { type: "system", id: "cli" },
    request: systemRequest("migrate"),
    ...fleetOf(settings, locatorOf(settings), budget),
  };
}

function parsed(variables: Variables) {
  try {
    return parseFleetSettings(variables);
  } catch (error) {
    throw error instanceof ApiError ? refusal(`The settings are wrong: ${error.message}.`) : error;
  }
}
