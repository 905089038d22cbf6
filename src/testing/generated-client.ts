import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { createClient } from "@hey-api/openapi-ts";

/** An app of our API, in a folder of its own: what is in `client/`, and beside it the client generated from the document. */
export async function newClientApp(): Promise<{ folder: string; remove(): void }> {
  mkdirSync(".tmp", { recursive: true });
  const folder = resolve(mkdtempSync(join(".tmp", "client-")));
  for (const file of ["story.ts", "tsconfig.json"])
    cpSync(join("client", file), join(folder, file));
  await createClient({
    input: "openapi.json",
    output: join(folder, "generated"),
    logs: { level: "silent", file: false },
  });
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}

/** What the compiler has to say of the app; nothing where all is well. */
export function typeErrorsOf(folder: string): string {
  const compiler = join("node_modules", "typescript", "bin", "tsc");
  const options = { encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, "-p", folder], options);
  return status === 0 ? "" : stdout + stderr;
}
