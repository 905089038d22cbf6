import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startBackends } from "../../scripts/stack/stack.ts";
import { migrate } from "../db/migrate.ts";
import { registryMigrations } from "../db/migrations.gen.ts";
import { parseSettings } from "../env.ts";
import { buildBundle } from "./bundle.ts";
import { openRegistry } from "./databases.ts";
import { startWorker } from "./worker.ts";

/** What every test file needs to know of the stack one run shares. */
export type Stack = {
  readonly apiUrl: string;
  /** The variables and secrets of the shared Worker. */
  readonly settings: Record<string, string>;
  readonly dataDir: string;
  /** The built Worker: an ES module. */
  readonly bundle: string;
};

declare module "vitest" {
  export interface ProvidedContext {
    stack: Stack;
  }
}

/** Where the Workers of this run leave their mails. */
export const outboxOf = (dataDir: string): string => join(dataDir, "outbox");

/** Vitest's global set-up: real sqld, real identity provider and the bundle as it deploys, on free ports. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = mkdtempSync(join(tmpdir(), "tenantry-test-"));
  const [backends, bundle] = await Promise.all([
    startBackends({ dataDir }),
    buildBundle(join(dataDir, "bundle")),
  ]);
  const settings = { ...backends.settings, MAX_TENANTS_PER_USER: "5" };
  await migrate(openRegistry(parseSettings(settings)), registryMigrations);
  const worker = await startWorker({ bundle, settings, outbox: outboxOf(dataDir) });
  project.provide("stack", { apiUrl: worker.url, settings, dataDir, bundle });
  return async () => {
    await worker.stop();
    await backends.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
