import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { refusal } from "./refusal.ts";

/** Says which process owns something, in a way that a later process with the same number does not match. */
export function writePidFile(path: string, pid: number, flag: "w" | "wx" = "w"): void {
  writeFileSync(path, `${pid} ${birthOf(pid)}\n`, { flag, mode: 0o600 });
}

/** The process the file names, unless it is gone. */
export function readPidFile(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  const [, pid, birth] = /^(\d+) (.*)\n/.exec(readFileSync(path, "utf8")) ?? [];
  return pid && isAlive(Number(pid)) && birthOf(Number(pid)) === birth ? Number(pid) : undefined;
}

/** Waits until the process the file names has ended. */
export async function untilGone(path: string, patienceMs: number): Promise<void> {
  for (let waited = 0; readPidFile(path) !== undefined; waited += 50) {
    if (waited > patienceMs)
      throw refusal(
        `${path} names a process (${readPidFile(path)}) that does not end: end it first.`,
      );
    await sleep(50);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** When the process started, as the system tells it: numbers are handed out again, births are not. */
function birthOf(pid: number): string {
  try {
    if (process.platform !== "linux")
      return execFileSync("ps", ["-o", "lstart=", "-p", `${pid}`], { encoding: "utf8" }).trim();
    // Counted after the name, which may hold anything: first the state, the start 19 fields on.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "" : (fields[19] ?? "");
  } catch {
    return "";
  }
}
