import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPidFile, writePidFile } from "./pid-file.ts";
import { refusal } from "./refusal.ts";
import { untilNoSqld } from "./sqld-server.ts";

const marker = ".tenantry-data";
const lock = "stack.pid";

/** Takes the directory for this process alone, emptied if so wished, and returns how to let go of it. */
export async function claimDataDir(dataDir: string, reset: boolean): Promise<() => Promise<void>> {
  const entries = listOrMake(dataDir);
  if (entries.length > 0 && !entries.includes(marker))
    throw refusal(
      `${dataDir} holds files that are not this stack's: name an empty or a new directory with --data.`,
    );
  writeFileSync(join(dataDir, marker), "Made by npm run dev, cleared by npm run dev -- --reset.\n");
  const path = takeLock(dataDir);
  await untilNoSqld(dataDir);
  if (reset)
    for (const entry of readdirSync(dataDir))
      if (entry !== marker && entry !== lock)
        rmSync(join(dataDir, entry), { recursive: true, force: true });
  return async () => rmSync(path, { force: true });
}

function listOrMake(dataDir: string): string[] {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return readdirSync(dataDir);
  } catch (error) {
    throw refusal(`The data directory cannot be used: ${String(error).replace(/^Error: /, "")}.`);
  }
}

function takeLock(dataDir: string): string {
  const path = join(dataDir, lock);
  if (existsSync(path) && readPidFile(path) === undefined) rmSync(path);
  try {
    writePidFile(path, process.pid, "wx");
  } catch {
    throw refusal(
      `A stack already runs on ${dataDir} (pid ${readPidFile(path)}): end it, or name another directory with --data.`,
    );
  }
  return path;
}

/** A fresh log of a part: where it is, and what adds a line. */
export function openLog(dataDir: string, part: string) {
  const path = join(dataDir, "logs", `${part}.log`);
  mkdirSync(join(dataDir, "logs"), { recursive: true });
  writeFileSync(path, "");
  // After the directory was deleted under us there is nothing left to log to.
  const add = (line: string) => existsSync(path) && appendFileSync(path, `${line}\n`);
  return { path, add };
}
