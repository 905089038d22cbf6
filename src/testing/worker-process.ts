import { execFileSync } from "node:child_process";
import { type RunningWorker, startWorker } from "./worker.ts";

/** A Worker whose process can be killed, like that of a machine that fails. Start one at a time. */
export async function startMortalWorker(
  options: Parameters<typeof startWorker>[0],
): Promise<RunningWorker & { kill(): void }> {
  const before = new Set(runtimes());
  const worker = await startWorker(options);
  const [pid, ...others] = runtimes().filter((one) => !before.has(one));
  if (pid === undefined || others.length > 0) throw new Error("Which process runs the Worker?");
  return { ...worker, kill: () => process.kill(pid, "SIGKILL") };
}

/** The Workers' runtimes among the children of this process. */
const runtimes = (): number[] =>
  execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [])
    .filter(
      ([, , parent, command]) => Number(parent) === process.pid && /workerd/.test(`${command}`),
    )
    .map(([, pid]) => Number(pid));
