import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** Builds the Worker the way `wrangler deploy` does and returns the path of its module. */
export async function buildBundle(folder: string): Promise<string> {
  mkdirSync("public", { recursive: true });
  const wrangler = join("node_modules", "wrangler", "bin", "wrangler.js");
  await promisify(execFile)(
    process.execPath,
    [wrangler, "deploy", "--dry-run", "--env", "", "--outdir", folder],
    {
      env: {
        ...process.env,
        CI: "1",
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_WRITE_LOGS: "false",
      },
    },
  );
  return join(folder, "index.js");
}
