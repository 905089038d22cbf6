import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, launch, waitFor } from "./process.ts";
import { refusal } from "./refusal.ts";

type Options = {
  port: number;
  dataDir: string;
  settings: Record<string, string>;
  log: { path: string };
  onLine: (line: string) => void;
};

const root = join(import.meta.dirname, "../..");
const environment = {
  CI: "1",
  NO_COLOR: "1",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_WRITE_LOGS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  // The env file is all the Worker gets, whatever the shell of the developer holds.
  CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "true",
  CLOUDFLARE_INCLUDE_PROCESS_ENV: "false",
};

/** The Worker under `wrangler dev`: the runtime of production, rebuilt whenever a source file changes. */
export async function startWorker(options: Options): Promise<Child> {
  const { port, dataDir, settings, log } = options;
  // Naming an env file makes wrangler ignore .dev.vars, which may well point at a real account.
  const envFile = join(dataDir, "worker.env");
  const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(envFile, lines.join(""), { mode: 0o600 });

  const temporary = join(dataDir, "worker-tmp");
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { mode: 0o700 });

  let announceFault = (_line: string) => {};
  const fault = new Promise<string>((resolve) => {
    announceFault = resolve;
  });
  const worker = await launch(
    process.execPath,
    [
      wranglerProgram(),
      "dev",
      "--env",
      "",
      "--env-file",
      envFile,
      "--ip",
      "127.0.0.1",
      "--port",
      `${port}`,
      "--inspector-port",
      "0",
      "--persist-to",
      join(dataDir, "worker"),
      "--show-interactive-dev-session=false",
    ],
    {
      cwd: root,
      env: {
        ...environment,
        WRANGLER_REGISTRY_PATH: join(dataDir, "worker-registry"),
        // What a killed wrangler leaves behind is found and cleared here.
        TMPDIR: temporary,
      },
      onLine: (line) => {
        if (line.includes("[ERROR]")) announceFault(line.replace(/^.*\[ERROR\]\s*|:$/g, ""));
        options.onLine(line);
      },
    },
  );
  const giveUp = new AbortController();
  const failed = async (reason: Promise<unknown>) => {
    throw refusal(`The Worker did not start: ${await reason} (more in ${log.path})`);
  };
  try {
    await Promise.race([
      waitFor(`http://127.0.0.1:${port}/health`, 60_000, giveUp.signal),
      failed(fault),
      failed(worker.exited.then(() => worker.tail())),
    ]);
  } catch (error) {
    giveUp.abort();
    await worker.stop();
    throw error;
  }
  return worker;
}

/** Wrangler's program, or one sentence on how to get it. */
export function wranglerProgram(): string {
  const path = join(root, "node_modules/wrangler/bin/wrangler.js");
  if (existsSync(path)) return path;
  throw refusal("Wrangler is not installed: run npm ci.");
}
