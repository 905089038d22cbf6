// npm run dev: the whole product on this machine, without an account and without a network.
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { copyAssets } from "./assets.ts";
import { seed } from "./seed.ts";
import { readArguments } from "./stack/arguments.ts";
import { startClock } from "./stack/clock.ts";
import { claimDataDir, openLog } from "./stack/data-dir.ts";
import { openOutbox } from "./stack/outbox.ts";
import { type Child, freePort, portTrouble } from "./stack/process.ts";
import { refusal, reportFailure, runProgram } from "./stack/refusal.ts";
import { requestToken } from "./stack/request-token.ts";
import { sqldProgram } from "./stack/sqld-server.ts";
import { startBackends } from "./stack/stack.ts";
import { describeStack, summary } from "./stack/summary.ts";
import { startWorker, wranglerProgram } from "./stack/worker.ts";

const usage = "npm run dev -- [--port 8787] [--data .data] [--reset] [--verbose]";
const undo: (() => Promise<void>)[] = [];
let ending = false;

async function end(code: number, line: string): Promise<void> {
  if (ending) return;
  ending = true;
  console.log(line);
  for (const step of undo.reverse()) await step().catch(reportFailure);
  process.exit(code);
}

function endWith(child: Pick<Child, "exited">, name: string, log: { path: string }): void {
  const tell = (code: number | null) =>
    end(1, `${name} ended (code ${code ?? "none"}), so everything does: see ${log.path}`);
  child.exited.then(tell).catch(reportFailure);
}

async function start(port: number, dataDir: string, verbose: boolean): Promise<void> {
  const began = Date.now();
  const sqldLog = openLog(dataDir, "sqld");
  const backends = await startBackends({ dataDir, onSqldLine: sqldLog.add });
  undo.push(backends.stop);
  endWith(backends.sqld, "sqld", sqldLog);
  const { tenants } = await seed(backends.settings, (line) => console.log(line));

  copyAssets();
  const workerLog = openLog(dataDir, "worker");
  const outbox = openOutbox(join(dataDir, "outbox"));
  const apiPort = port || (await freePort());
  const worker = await startWorker({
    port: apiPort,
    dataDir,
    settings: backends.settings,
    log: workerLog,
    onLine: (line) => {
      workerLog.add(line);
      outbox.add(line);
      if (verbose || /\[ERROR\]|crashed unexpectedly/.test(line)) console.log(line);
    },
  });
  undo.push(worker.stop);
  endWith(worker, "The Worker", workerLog);

  const apiUrl = `http://127.0.0.1:${apiPort}`;
  startClock(apiUrl);
  const stack = describeStack(backends, { apiUrl, dataDir, tenants });
  const stackFile = join(dataDir, "stack.json");
  writeFileSync(stackFile, `${JSON.stringify(stack, null, 2)}\n`);
  undo.push(async () => rmSync(stackFile, { force: true }));
  const token = await requestToken(stack, { person: "owner@acme.test", ttl: 12 * 3600 });
  console.log(summary(stack, token));
  console.log(`Ready after ${((Date.now() - began) / 1000).toFixed(1)} s.`);
}

/** Ctrl-C, a closed terminal, and an npm that was killed: all of it ends us. */
function endOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => void end(0, "Stopping."));
  process.stdout.on("error", () => void end(0, ""));
  const parent = process.ppid;
  const isNpm = process.env["npm_lifecycle_event"] === "dev";
  if (isNpm) setInterval(() => process.ppid !== parent && void end(0, "npm is gone."), 500).unref();
}

await runProgram(async () => {
  const options = readArguments(
    {
      port: { type: "string", default: "8787" },
      data: { type: "string", default: ".data" },
      reset: { type: "boolean", default: false },
      verbose: { type: "boolean", default: false },
    },
    usage,
  );
  const port = Number(options.port);
  if (!/^\d+$/.test(options.port) || port > 65_535)
    throw refusal(`--port ${options.port} is no port. Usage: ${usage}`);
  const trouble = port && (await portTrouble(port));
  if (trouble)
    throw refusal(
      `Port ${port} cannot be used (${trouble}): end the program that has it, or take a free one with --port 0.`,
    );
  sqldProgram();
  wranglerProgram();
  const dataDir = resolve(options.data);
  endOnSignals();
  undo.push(await claimDataDir(dataDir, options.reset));
  if (existsSync(".dev.vars"))
    console.log(
      `.dev.vars is not read here: the settings are ${relative("", dataDir)}/worker.env.`,
    );
  try {
    await start(port, dataDir, options.verbose);
  } catch (error) {
    if (!ending) reportFailure(error);
    await end(1, "Nothing was left running.");
  }
});
