import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, relative } from "node:path";
import { launch } from "../scripts/stack/process.ts";

export type Program = {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
};
type Binding = { readonly text: string } | { readonly json: string };

// Miniflare's own workerd: the version that serves the bundle in tests and development.
const fromMiniflare = createRequire(createRequire(import.meta.url).resolve("miniflare"));
const { default: program }: { default: string } = fromMiniflare("workerd");

/** A Worker as plain workerd wants it described. A JSON string is a string of Cap'n Proto too. */
const describe = (
  module: string,
  bindings: string,
) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "internet", network = (allow = ["private"]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed ${JSON.stringify(module)})],
  bindings = [${bindings}],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["nodejs_compat"],
);
`;

/**
 * Writes the configuration that serves this module, and returns where. Without Miniflare: the Worker
 * it puts in front costs each request the same, and so would make every ratio look better.
 */
export function configure(
  path: string,
  module: string,
  bindings: Readonly<Record<string, Binding>>,
): string {
  const lines = Object.entries(bindings).map(([name, binding]) => {
    const [kind, content] = Object.entries(binding)[0] ?? [];
    return `(name = ${JSON.stringify(name)}, ${kind} = ${JSON.stringify(content)})`;
  });
  writeFileSync(path, describe(relative(dirname(path), module), lines.join(", ")), { mode: 0o600 });
  return path;
}

/** The command that serves it. It tells its port on standard error; what the Worker logs is thrown away. */
export const serve = (config: string) =>
  ["/bin/sh", ["-c", 'exec "$0" serve "$1" --control-fd=2 >/dev/null', program, config]] as [
    string,
    string[],
  ];

/** The port, once a line tells it. */
export const portIn = (line: string): number | undefined =>
  Number(/"event":"listen".*"port":(\d+)/.exec(line)?.[1]) || undefined;

/** A Worker in a process of its own, on a free port. */
export async function startWorkerd(config: string): Promise<Program> {
  const { promise: listening, resolve: heard } = Promise.withResolvers<number>();
  const child = await launch(...serve(config), {
    onLine: (line) => {
      const port = portIn(line);
      if (port) heard(port);
    },
  });
  const failed = child.exited.then(() => {
    throw new Error(`workerd ended: ${child.tail()}`);
  });
  const port = await Promise.race([listening, failed]);
  return { url: `http://127.0.0.1:${port}`, pid: child.pid, stop: child.stop };
}
