import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tenantMigrations } from "../src/db/migrations.gen.ts";
import { openTenant } from "../src/testing/databases.ts";
import {
  firstVersion,
  newFleet,
  newRegistry,
  type OwnRegistry,
  slugOf,
} from "../src/testing/fleet.ts";
import { stack } from "../src/testing/harness.ts";
import { type OwnSqld, startOwnSqld } from "../src/testing/own-sqld.ts";
import { execute, rowsOf } from "../src/testing/raw-sql.ts";

let sqld: OwnSqld;
beforeAll(async () => {
  sqld = await startOwnSqld(stack);
});
afterAll(() => sqld.stop());

const newest = tenantMigrations.length;
const nowhere = mkdtempSync(join(tmpdir(), "tenantry-no-stack-"));

function launch(variables: Record<string, string>, ...args: string[]) {
  const program = join(import.meta.dirname, "migrate.ts");
  return spawn(process.execPath, [program, "--data", nowhere, ...args], {
    cwd: nowhere,
    env: { PATH: process.env["PATH"], CI: "1", NODE_NO_WARNINGS: "1", ...variables },
  });
}

/** Runs the program to its end: how it ended, and all it said. */
async function run(variables: Record<string, string>, ...args: string[]) {
  const child = launch(variables, ...args);
  const [said, complained, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number]>,
  ]);
  return { code, said, complained };
}

const progressOf = async ({ db }: OwnRegistry) => {
  const [row] = await rowsOf<{ done: number; turn: number }>(
    db,
    "select coalesce(sum(migrated + failed), 0) as done, max(turn) as turn from migration_runs",
  );
  return row?.done ?? 0;
};

test("a driver that is killed again and again is followed by one that ends as if nothing had happened", async () => {
  const home = await newRegistry(sqld);
  const ids = await newFleet(home, 240);
  const lost = ids[100] ?? "";
  await execute(await openTenant(home.settings, lost), "drop table account_members");
  const variables = { ...home.variables, MIGRATION_LEASE_SECONDS: "3" };
  const args = ["--halt-after", "9", "--concurrency", "2"];
  const stops: number[] = [];
  for (const beyond of [1, 20, 90]) {
    const child = launch(variables, ...args);
    await expect
      .poll(() => progressOf(home), { timeout: 15_000, interval: 5 })
      .toBeGreaterThan(beyond);
    await new Promise((wake) => setTimeout(wake, Math.random() * 150));
    child.kill("SIGKILL");
    await once(child, "close");
    expect(child.signalCode, "it was not done yet").toBe("SIGKILL");
    stops.push(await progressOf(home));
  }
  expect(stops.at(-1)).toBeLessThan(240);

  const last = await run(variables, ...args);
  expect(last.said).toContain("is going on already: it is carried on first");
  const runs = await rowsOf(
    home.db,
    "select status, total, migrated, failed from migration_runs order by created_at",
  );
  expect(runs).toEqual([
    { status: "succeeded", total: 240, migrated: 239, failed: 1 },
    { status: "succeeded", total: 1, migrated: 0, failed: 1 },
  ]);
  expect(last.code).toBe(1);
  expect(
    await rowsOf(home.db, sql`select id from tenants where schema_version < ${newest}`),
  ).toEqual([{ id: lost }]);
  const ledgers = await Promise.all(
    ids
      .filter((id) => id !== lost)
      .map(async (id) =>
        rowsOf(await openTenant(home.settings, id), "select hash from __drizzle_migrations"),
      ),
  );
  const expected = tenantMigrations.map(({ hash }) => ({ hash }));
  for (const ledger of ledgers) expect(ledger).toEqual(expected);
}, 120_000);

test("it says who is behind, touches whom it is told to, and exits 0 once nobody is", async () => {
  const home = await newRegistry(sqld);
  const [one, other] = (await newFleet(home, 2)) as [string, string];
  const planned = await run(home.variables, "--dry-run");
  expect(planned).toMatchObject({ code: 0, complained: "" });
  expect(planned.said).toContain(`2 tenants are behind schema version ${newest}`);
  expect(planned.said).toContain(`${slugOf(one)} (${one}) at ${firstVersion}, canary`);
  expect(await rowsOf(home.db, "select * from migration_runs")).toEqual([]);

  const some = await run(home.variables, "--only", slugOf(one));
  expect(some).toMatchObject({ code: 0, complained: "" });
  expect(some.said).toContain("1 migrated, 0 failed");
  const status = await run(home.variables, "--status");
  expect(status.said.split("\n")).toEqual(
    expect.arrayContaining([
      `  version ${firstVersion} (behind): 1 tenants`,
      `  version ${newest}: 1 tenants`,
      "No migration is going on.",
    ]),
  );

  await execute(await openTenant(home.settings, other), "drop table account_members");
  const failed = await run(home.variables);
  expect(failed.code).toBe(1);
  expect(failed.said).toContain(`${slugOf(other)} (${other}) migration_refused`);
  expect((await run(home.variables, "--status")).said).toMatch(
    new RegExp(`Quarantined, the last try failed:\n {2}${slugOf(other)} `),
  );
}, 60_000);

test.each([
  [[], {}, /^Which fleet\?/],
  [["--halt-after", "some"], { GLOBAL_DATABASE_URL: "http://127.0.0.1:1" }, /neither a share/],
  [["--concurrency", "7"], { GLOBAL_DATABASE_URL: "http://127.0.0.1:1" }, /from 1 to 6/],
  [[], { GLOBAL_DATABASE_URL: "http://127.0.0.1:1" }, /GLOBAL_AUTH_TOKEN is missing/],
])(
  "what it cannot run with, %j and %j, it says in one line and exits 2",
  async (args, variables, words) => {
    const { code, complained } = await run(
      variables as Record<string, string>,
      ...(args as string[]),
    );
    expect(code).toBe(2);
    expect(complained.trim().split("\n")).toEqual([expect.stringMatching(words as RegExp)]);
  },
);

test("a registry that is not to be reached ends it with 2, and no secret in what it says", async () => {
  const home = await newRegistry(sqld);
  const variables: Record<string, string> = {
    ...home.variables,
    GLOBAL_DATABASE_URL: "http://127.0.0.1:1",
  };
  const { code, said, complained } = await run(variables);
  expect({ code, complained }).toEqual({ code: 2, complained: "The registry does not answer.\n" });
  for (const name of ["GLOBAL_AUTH_TOKEN", "ENCRYPTION_KEY"])
    expect(said + complained).not.toContain(variables[name]?.replace(/^k1:/, ""));
  expect(await run(home.variables, "--only", "nobody-of-this-name")).toMatchObject({ code: 2 });
});
