import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";

export type Child = {
  /** Of the program itself, not of its keeper. */
  pid: number;
  /** The exit code (128 + signal number for a signal), or null when the keeper was killed. */
  exited: Promise<number | null>;
  /** Its last few lines of output. */
  tail(): string;
  stop(): Promise<void>;
};
export type LaunchOptions = {
  /** On top of our own. */
  env?: Record<string, string> | undefined;
  cwd?: string | undefined;
  onLine?: ((line: string) => void) | undefined;
};

/** Starts a program that cannot outlive this process, however this process ends. */
export async function launch(
  command: string,
  args: string[],
  { env, cwd, onLine }: LaunchOptions = {},
): Promise<Child> {
  const keeper = fork(join(import.meta.dirname, "keeper.ts"), [command, ...args], {
    env: { ...process.env, ...env },
    cwd,
    detached: true,
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const lines: string[] = [];
  const tail = () => lines.join(" ");
  for (const input of [keeper.stdout, keeper.stderr]) {
    if (!input) continue;
    createInterface({ input }).on("line", (coloured) => {
      const line = stripVTControlCharacters(coloured);
      if (line.trim()) lines.push(line.trim());
      if (lines.length > 4) lines.shift();
      onLine?.(line);
    });
  }
  const closed = once(keeper, "close");
  const exited = once(keeper, "exit").then(async ([code]: (number | null)[]) => {
    if (code === null) killGroup(pid);
    await Promise.race([closed, sleep(500)]);
    return code ?? null;
  });
  let pid = 0;
  const started = once(keeper, "message").then(([message]: { pid: number }[]) => message?.pid ?? 0);
  pid = (await Promise.race([started, exited.then(() => 0)])) ?? 0;
  if (pid === 0) throw new Error(`${command} did not start: ${tail()}`);

  return {
    pid,
    exited,
    tail,
    async stop() {
      if (keeper.connected) keeper.disconnect();
      await exited;
    },
  };
}

function killGroup(pid: number): void {
  try {
    if (pid > 0) process.kill(-pid, "SIGKILL");
  } catch {
    // It went with its keeper.
  }
}

/** Whether 127.0.0.1 lets us listen there now: undefined, or the code of the error. */
export async function portTrouble(port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  } finally {
    server.close();
  }
  return undefined;
}

/** A port nobody listens on. Somebody may take it before you do. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** Polls until the address answers 2xx. */
export async function waitFor(url: string, timeoutMs: number, giveUp?: AbortSignal): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!giveUp?.aborted) {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok) return;
    if (Date.now() > deadline) throw new Error(`${url} is not ready after ${timeoutMs / 1000} s`);
    await sleep(50);
  }
}
