import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { freePort, portTrouble } from "./process.ts";

/** A secret made once and read ever after, so that a restart keeps what it sealed or signed valid. */
export function keptSecret(dataDir: string, name: string, make: () => string): string {
  return kept(join(dataDir, "keys", name), make);
}

function kept(path: string, make: () => string): string {
  if (!existsSync(path)) write(path, make());
  return readFileSync(path, "utf8").trim();
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
}

/** The port of last time while it is free, so that addresses written down stay true; else a fresh one. */
export async function keptPort(dataDir: string, name: string): Promise<number> {
  const path = join(dataDir, "ports", name);
  const last = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
  return last > 0 && (await portTrouble(last)) === undefined ? last : freePort();
}

export function keepPort(dataDir: string, name: string, port: number): void {
  write(join(dataDir, "ports", name), String(port));
}
