// npm run bench:fleet: the runner that migrates the fleet beside the same statements sent straight to sqld.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArguments } from "../scripts/stack/arguments.ts";
import { refusal, runProgram } from "../scripts/stack/refusal.ts";
import { startBackends } from "../scripts/stack/stack.ts";
import { parseSettings } from "../src/env.ts";
import { driveRun } from "../src/registry/migrations/fleet.service.ts";
import { getRun } from "../src/registry/migrations/runs.service.ts";
import { newDriver, newFleet, newRegistry, type OwnRegistry, start } from "../src/testing/fleet.ts";
import { migrateStraight, prepareStraight } from "./fleet.floor.ts";
import { spreadOf } from "./statistics.ts";

const usage = "npm run bench:fleet -- [--tenants 500] [--rounds 3] [--gate]";
const atOnce = 6;
const goal = 0.8;

function whole(name: string, text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw refusal(`--${name} ${text} is no whole number above 0. Usage: ${usage}`);
}

/** Tenants a second from first to last, the start of the run included. */
async function timed(tenants: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (tenants * 1000) / (performance.now() - began);
}

async function runner(home: OwnRegistry, tenants: number): Promise<void> {
  const driver = newDriver(home, 90_000);
  const { id } = await start(driver);
  await driveRun(driver, id, { atOnce });
  const { migrated } = await getRun(driver, id);
  if (migrated !== tenants) throw new Error(`${migrated} of ${tenants} were migrated`);
}

/** One after the other, and first the one, then the other: what the machine does besides hits both. */
async function round(home: OwnRegistry, floorHome: OwnRegistry, tenants: number, first: boolean) {
  await newFleet(home, tenants);
  const straight = await prepareStraight(floorHome, await newFleet(floorHome, tenants));
  const measure = {
    runner: () => timed(tenants, () => runner(home, tenants)),
    floor: () => timed(tenants, () => migrateStraight(straight, atOnce)),
  };
  const found = { runner: 0, floor: 0 };
  const order = first ? (["runner", "floor"] as const) : (["floor", "runner"] as const);
  for (const name of order) found[name] = await measure[name]();
  return found;
}

await runProgram(async () => {
  const options = readArguments(
    {
      tenants: { type: "string", default: "500" },
      rounds: { type: "string", default: "3" },
      gate: { type: "boolean", default: false },
    },
    usage,
  );
  const [tenants, rounds] = [whole("tenants", options.tenants), whole("rounds", options.rounds)];
  const dataDir = mkdtempSync(join(tmpdir(), "tenantry-bench-"));
  const backends = await startBackends({ dataDir });
  try {
    const server = { variables: backends.settings, settings: parseSettings(backends.settings) };
    const ratios: number[] = [];
    for (let n = 0; n < rounds; n++) {
      const [home, other] = [await newRegistry(server), await newRegistry(server)];
      const { runner, floor } = await round(home, other, tenants, n % 2 === 0);
      ratios.push(runner / floor);
      console.log(
        `round ${n + 1}: runner ${runner.toFixed(0)} tenants/s, floor ${floor.toFixed(0)}, ratio ${(runner / floor).toFixed(2)}`,
      );
    }
    const { median, min, max } = spreadOf(ratios);
    console.log(
      `fleet migration ÷ floor: ${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)}), goal ${goal}, ${tenants} tenants, ${atOnce} at once`,
    );
    if (options.gate && median < goal) process.exitCode = 1;
  } finally {
    await backends.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
