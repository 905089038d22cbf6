import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { refusal } from "./refusal.ts";

/** The variables of the deployment the shell is set up for, else those of the local stack. */
export function deploymentSettings(dataDir: string): Record<string, string> {
  if (process.env["GLOBAL_DATABASE_URL"]) return process.env as Record<string, string>;
  const file = join(dataDir, "worker.env");
  if (!existsSync(file))
    throw refusal(
      `No deployment to look at: set its variables (GLOBAL_DATABASE_URL, …), or start the local stack of ${dataDir} with npm run dev.`,
    );
  return parseEnv(readFileSync(file, "utf8")) as Record<string, string>;
}

/** What programs may take their time over, which requests may not. */
export const unhurried = (limits: { DATABASE_WRITERS: number }) => ({
  timeoutMs: 10_000,
  writers: limits.DATABASE_WRITERS,
  fetch,
});
