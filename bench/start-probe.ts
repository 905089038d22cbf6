// Starts a Worker several times over and prints how long it takes to answer. A program of its own, so
// that its Workers end with it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { call } from "../src/testing/client.ts";
import { portIn, serve } from "./workerd.ts";

const { config, path, headers, times } = JSON.parse(process.env["PROBE"] ?? "{}") as {
  config: string;
  path: string;
  headers: Record<string, string>;
  times: number;
};

async function startOnce() {
  const began = performance.now();
  const worker = spawn(...serve(config), { stdio: ["ignore", "ignore", "pipe"] });
  try {
    const origin = `http://127.0.0.1:${await portOf(worker.stderr)}`;
    await call(`${origin}/health`);
    const firstByteMs = performance.now() - began;
    const { status } = await call(`${origin}${path}`, { headers });
    if (status !== 200) throw new Error(`The first list answers ${status}`);
    return { firstByteMs, firstListMs: performance.now() - began - firstByteMs };
  } finally {
    worker.kill("SIGKILL");
    await once(worker, "exit");
  }
}

async function portOf(input: NodeJS.ReadableStream): Promise<number> {
  for await (const line of createInterface({ input })) {
    const port = portIn(line);
    if (port) return port;
  }
  throw new Error("workerd ended");
}

await startOnce();
const starts = [];
for (let n = 0; n < times; n++) starts.push(await startOnce());
console.log(JSON.stringify(starts));
process.exit(0);
