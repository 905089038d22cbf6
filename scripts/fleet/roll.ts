import { ApiError } from "../../src/core/error.ts";
import { target } from "../../src/registry/migrations/behind.ts";
import { driveRun } from "../../src/registry/migrations/fleet.service.ts";
import type { Migration, NewMigration } from "../../src/registry/migrations/migrations.schema.ts";
import {
  findRunning,
  getRun,
  listFailures,
  toWire,
} from "../../src/registry/migrations/runs.service.ts";
import { startRun } from "../../src/registry/migrations/start.service.ts";
import type { FleetScope } from "../../src/registry/scope.ts";
import { refusal } from "../stack/refusal.ts";

type Rolling = {
  readonly input: NewMigration;
  readonly atOnce: number;
  readonly tell: (run: Migration) => void;
  readonly say: (line: string) => void;
};

const watchMs = 1000;
export const cli = { issuer: null, subject: "cli" };

/** Brings the fleet up to date. A run that is going on is carried on first. */
export async function rollFleet(scope: FleetScope, rolling: Rolling): Promise<Migration> {
  for (;;) {
    const { id, joined } = await startOrJoin(scope, rolling);
    const end = await seeThrough(scope, id, rolling);
    if (!joined || end.status === "halted") return end;
  }
}

async function startOrJoin(scope: FleetScope, { input, say }: Rolling) {
  try {
    return { id: (await startRun(scope, input, cli)).id, joined: false };
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "migration_running") throw error;
    const running = await findRunning(scope);
    if (!running) return await startOrJoin(scope, { input, say } as Rolling);
    if (running.target > target)
      throw refusal(`${running.id} is going on, for a newer release than this: let it end.`);
    say(`${running.id} is going on already: it is carried on first.`);
    return { id: running.id, joined: true };
  }
}

/** Drives it, or looks on while somebody else does. */
async function seeThrough(scope: FleetScope, id: string, { atOnce, tell }: Rolling) {
  const bounds = { atOnce, tell: (run: Parameters<typeof toWire>[0]) => tell(toWire(run)) };
  while ((await driveRun(scope, id, bounds)) !== "over") {
    tell(await getRun(scope, id));
    await new Promise((wake) => setTimeout(wake, watchMs));
  }
  const end = await getRun(scope, id);
  tell(end);
  return end;
}

const page = { page: 1, limit: 100, sortBy: "at", sortOrder: "asc" } as const;

/** Who failed and why, and what to do about it. */
export async function describeEnd(scope: FleetScope, run: Migration): Promise<string[]> {
  if (run.failed === 0 && run.status === "succeeded") return [];
  const { data, meta } = await listFailures(scope, run.id, page);
  const more = meta.totalItems - data.length;
  return [
    ...data.map(({ slug, tenantId, error }) => `  ${slug} (${tenantId}) ${error}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    `${run.id} ${run.status}, ${run.failed} failed. Mend them, then run npm run migrate again: it tries those behind, and no others.`,
  ];
}
