import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startBackends } from "../scripts/stack/stack.ts";
import { migrate } from "../src/db/migrate.ts";
import { registryMigrations } from "../src/db/migrations.gen.ts";
import { parseSettings } from "../src/env.ts";
import { buildBundle } from "../src/testing/bundle.ts";
import { openRegistry } from "../src/testing/databases.ts";
import { signToken } from "../src/testing/tokens.ts";
import { assertSameRows, recordStatements } from "./floor.ts";
import { countUsers, fill, signUp, type Tenant } from "./tenants.ts";
import { configure, type Program, startWorkerd } from "./workerd.ts";

const usersInList = 200;
const writtenTenants = 10;

export type Stage = {
  readonly bundle: string;
  /** How to serve the product, for those who want one more. */
  readonly config: string;
  readonly product: Program;
  /** The Worker that only sends the product's statements, at `/list` and `/create`. */
  readonly floor: Program;
  readonly sqldPid: number;
  readonly listed: Tenant;
  readonly written: readonly Tenant[];
  /** Users in the tenants that are written to. */
  countWritten(): Promise<number>;
};

/** Everything a run needs, real and on loopback; `onEnd` is told how each part is taken down again. */
export async function setStage(onEnd: (stop: () => unknown) => void): Promise<Stage> {
  const dataDir = mkdtempSync(join(tmpdir(), "tenantry-bench-"));
  onEnd(() => rmSync(dataDir, { recursive: true, force: true }));
  const started = async (config: string) => {
    const program = await startWorkerd(config);
    onEnd(program.stop);
    return program;
  };

  const backends = await startBackends({ dataDir });
  onEnd(backends.stop);
  const bundle = await buildBundle(join(dataDir, "product"));
  const variables = { ...backends.settings, MAX_TENANTS_PER_USER: `${writtenTenants + 1}` };
  const settings = parseSettings(variables);
  await migrate(openRegistry(settings), registryMigrations);

  const config = configure(join(dataDir, "product.capnp"), bundle, textsOf(variables));
  const product = await started(config);
  const token = await signToken(
    { dataDir, bundle, apiUrl: product.url, settings: variables },
    { sub: "bench|owner", email: "owner@bench.test", email_verified: true, name: "Bench Owner" },
  );
  const [listed, ...written] = await signUp(product.url, token, writtenTenants + 1);
  if (!listed) throw new Error("No tenant");
  await fill(settings, listed, usersInList);

  const recording = (url: string) =>
    started(
      configure(join(dataDir, "recorded.capnp"), bundle, textsOf({ ...variables, SQLD_URL: url })),
    );
  const statements = await recordStatements(backends.sqld.url, recording, { listed, written });
  const floor = await started(
    configure(
      join(dataDir, "floor.capnp"),
      fileURLToPath(import.meta.resolve("./floor.worker.js")),
      {
        DATABASE: { text: backends.sqld.url },
        CALLS: { json: JSON.stringify({ "/list": statements.list, "/create": statements.create }) },
      },
    ),
  );
  await assertSameRows(product, floor, listed);
  return {
    bundle,
    config,
    product,
    floor,
    sqldPid: backends.sqld.pid,
    listed,
    written,
    countWritten: () => countUsers(settings, written),
  };
}

const textsOf = (variables: Record<string, string>) =>
  Object.fromEntries(Object.entries(variables).map(([name, text]) => [name, { text }]));
