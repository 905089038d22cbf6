import { fileURLToPath } from "node:url";
import { launch } from "../scripts/stack/process.ts";
import { listPath } from "./floor.ts";
import type { Stage } from "./stage.ts";

export type Start = {
  /** From the start of the process to its first answer. */
  readonly firstByteMs: number;
  /** The authenticated list right after it: keys, registry and tenant all cold in this Worker. */
  readonly firstListMs: number;
};

export async function timeStarts({ config, listed }: Stage, times: number): Promise<Start[]> {
  const lines: string[] = [];
  const probe = { config, path: listPath, headers: listed.headers, times };
  const child = await launch(
    process.execPath,
    [fileURLToPath(import.meta.resolve("./start-probe.ts"))],
    {
      env: { PROBE: JSON.stringify(probe) },
      onLine: (line) => lines.push(line),
    },
  );
  if ((await child.exited) !== 0) throw new Error(`Starting failed: ${lines.join("\n")}`);
  return JSON.parse(lines.at(-1) ?? "[]") as Start[];
}
