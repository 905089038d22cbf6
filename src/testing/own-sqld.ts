import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNamespace, mintToken, startSqld } from "../../scripts/stack/sqld.ts";
import { migrate } from "../db/migrate.ts";
import { registryMigrations } from "../db/migrations.gen.ts";
import { parseSettings } from "../env.ts";
import { openRegistry } from "./databases.ts";
import { askSqldAdmin } from "./sqld-admin.ts";
import type { Stack } from "./stack.ts";

const registry = "registry";
const daySeconds = 86_400;

/**
 * A database server of one's own, with an empty registry, for tests that freeze or kill it: give
 * `variables` to a Worker, `settings` to `newTenant`. The identity provider stays the shared one.
 */
export async function startOwnSqld({ settings: shared }: Stack) {
  const dataDir = mkdtempSync(join(tmpdir(), "tenantry-sqld-"));
  const sqld = await startSqld({ dataDir });
  await createNamespace(sqld, registry);
  const variables: Record<string, string> = {
    ...shared,
    GLOBAL_DATABASE_URL: sqld.url,
    GLOBAL_AUTH_TOKEN: await mintToken(sqld, registry, daySeconds),
    SQLD_URL: sqld.url,
    SQLD_ADMIN_URL: sqld.adminUrl,
    SQLD_ADMIN_KEY: sqld.adminKey,
    SQLD_JWT_KEY: sqld.jwtKey,
  };
  const settings = parseSettings(variables);
  await migrate(openRegistry(settings), registryMigrations);
  return {
    variables,
    settings,
    signal(signal: NodeJS.Signals): void {
      process.kill(sqld.pid, signal);
    },
    restart: () => sqld.restart(),
    /** What its admin may forbid or bound in one database. */
    async configure(namespace: string, rules: object) {
      const { status } = await askSqldAdmin(sqld, "POST", `${namespace}/config`, rules);
      if (status !== 200) throw new Error(`sqld did not take the rules: ${status}`);
    },
    async stop() {
      process.kill(sqld.pid, "SIGCONT");
      await sqld.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
export type OwnSqld = Awaited<ReturnType<typeof startOwnSqld>>;
