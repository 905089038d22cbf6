import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPidFile, writePidFile } from "./pid-file.ts";
import { refusal } from "./refusal.ts";

const marker = ".tenantry-data";
const lock = "stack.pid";

/** Takes the directory for this process alone, emptied if so wished, and returns how to let go of it. */
export function claimDataDir(dataDir: string, reset: boolean): () => Promise<void> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const entries = readdirSync(dataDir);
  if (entries.length > 0 && !entries.includes(marker))
    throw refusal(
      `${dataDir} holds files that are not this stack's: name an empty or a new directory with --data.`,
    );
  writeFileSync(join(dataDir, marker), "Made by npm run dev, cleared by npm run dev -- --reset.\n");
  const path = takeLock(dataDir);
  if (reset)
    for (const entry of readdirSync(dataDir))
      if (entry !== marker && entry !== lock)
        rmSync(join(dataDir, entry), { recursive: true, force: true });
  return async () => rmSync(path, { force: true });
}

function takeLock(dataDir: string): string {
  const path = join(dataDir, lock);
  const owner = readPidFile(path);
  if (owner !== undefined)
    throw refusal(
      `A stack already runs on ${dataDir} (pid ${owner}): end it, or name another directory with --data.`,
    );
  rmSync(path, { force: true });
  writePidFile(path, process.pid, "wx");
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
