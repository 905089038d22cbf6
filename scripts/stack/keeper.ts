// Runs a program for a parent and outlives that parent just long enough to end the program:
// the channel closes however the parent dies, kill -9 included.
import { spawn } from "node:child_process";
import { constants } from "node:os";

const patienceMs = 5000;
const [command = "", ...args] = process.argv.slice(2);
// A process group of its own: Ctrl-C reaches only the parent, and nobody of the program stays behind.
const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], detached: true });

function signalGroup(signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

function end(): void {
  child.kill("SIGTERM");
  setTimeout(signalGroup, patienceMs, "SIGKILL");
}

child.once("spawn", () => process.send?.({ pid: child.pid }));
child.once("error", (error) => {
  console.error(error.message);
  process.exit(127);
});
child.once("exit", (code, signal) => {
  signalGroup("SIGKILL");
  process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0));
});
process.once("disconnect", end);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, end);
