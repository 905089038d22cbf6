import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unavailable } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import {
  askForBackup,
  askForMove,
  askForRestoration,
  askForUndo,
  backUp,
  openBucket,
  openJob,
  restore,
} from "../../testing/archive.ts";
import { openTenant } from "../../testing/databases.ts";
import { newFounder, tracesOf } from "../../testing/founder.ts";
import { newTenant, registry, settings, type TestTenant } from "../../testing/harness.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { placeUsers } from "../../testing/rows.ts";
import { driveToEnd, openWork, takeTurn } from "../../testing/work.ts";
import { commit } from "../commit.ts";
import { kinds } from "../kinds.ts";
import type { JobScope, WorkScope } from "../scope.ts";
import { reserve } from "../tenants/reserve.service.ts";
import { operationWrites } from "./begin.ts";
import type { Kind, Step } from "./kind.ts";
import type { OperationKind } from "./operations.table.ts";
import { giveUpOperation } from "./steer.service.ts";

/** Long work that was asked for, and how it must end, whatever happens on the way. */
type Case = { readonly id: string; readonly assertEnded: () => Promise<void> };

const faults = [
  "an error before",
  "an error after",
  "a timeout after",
  "a second delivery during",
  "a kill after",
] as const;
type Fault = (typeof faults)[number];

let bucket: Awaited<ReturnType<typeof openBucket>>;
beforeAll(async () => {
  bucket = await openBucket();
});
afterAll(() => bucket.close());
/** The settings of all tests, and a bucket for backups. */
const stocked = () => ({ ...settings, BACKUPS: bucket.bucket });

/** A network that is cut for good when the process that uses it is killed. */
function mortalFetch() {
  let dead = false;
  const get: typeof fetch = async (input, init) => {
    if (dead) throw new TypeError("The process was killed");
    return await fetch(input, init);
  };
  const kill = () => {
    dead = true;
  };
  return { get, kill };
}

/** The scope of a driver to which, the first time it takes this step, the fault happens. */
function disturbed(
  kind: OperationKind,
  part: "steps" | "undo",
  name: string,
  fault: Fault,
  meanwhile: () => Promise<void>,
): WorkScope {
  const { get, kill } = mortalFetch();
  const scope = openWork(stocked(), get);
  let struck = false;
  const real = kinds[kind][part]?.[name] as Step;
  const step: Step = async (given, work) => {
    if (struck) return await real(given, work);
    struck = true;
    if (fault === "an error before") throw unavailable("Nothing is there today");
    const found = await real(given, work);
    if (fault === "an error after") throw unavailable("The answer was lost");
    if (fault === "a timeout after") throw new DOMException("It took too long", "TimeoutError");
    if (fault === "a kill after") kill();
    if (fault === "a second delivery during") await meanwhile();
    return found;
  };
  const changed: Kind = { ...kinds[kind], [part]: { ...kinds[kind][part], [name]: step } };
  return { ...scope, kinds: { ...kinds, [kind]: changed } };
}

/** What the ledger has of a tenant's databases, and whether the platform has them. */
async function databasesOf(tenantId: string) {
  const rows = await rowsOf<{ name: string; state: string }>(
    registry,
    sql`select name, state from databases where tenant_id = ${tenantId}`,
  );
  const { platform } = openWork(stocked());
  return await Promise.all(
    rows.map(async ({ name, state }) => ({ state, there: !!(await platform.findDatabase(name)) })),
  );
}

async function signUp(): Promise<Case & { slug: string; tenantId: string }> {
  const { caller, slug } = newFounder();
  const scope = { ...openWork(stocked()), caller, maxTenants: 5, usesWarm: false };
  const { operationId: id, tenantId } = await reserve(scope, { name: slug, slug });
  const assertEnded = async () => {
    const { central, own } = await tracesOf({ slug });
    expect(central.tenants).toMatchObject([{ status: "active" }]);
    expect(central.operations).toMatchObject([{ status: "succeeded", error: null }]);
    expect(own).toMatchObject({ users: [{ email: caller.email }], accounts: [{}], settings: [{}] });
    expect(await databasesOf(tenantId)).toEqual([{ state: "current", there: true }]);
  };
  return { id, slug, tenantId, assertEnded };
}

/** A sign-up that came so far and is given up. */
const signUpGivenUp = (last: string) => async (): Promise<Case> => {
  const { id, slug, tenantId } = await signUp();
  const names = Object.keys(kinds.provision.steps);
  const next = names[names.indexOf(last) + 1] as string;
  const stopped = disturbed("provision", "steps", next, "an error before", async () => {});
  expect(await takeTurn(stopped, id)).toBe(`failed at ${next}`);
  await giveUpOperation(openWork(stocked()), id);
  const assertEnded = async () => {
    expect(await rowsOf(registry, sql`select 1 from tenants where slug = ${slug}`)).toEqual([]);
    const [tenant] = await rowsOf(registry, sql`select * from tenants where id = ${tenantId}`);
    expect(tenant).toMatchObject({ status: "abandoned", slug: tenantId, sealed_token: null });
    const members = sql`select 1 from tenant_users where tenant_id = ${tenantId}`;
    expect(await rowsOf(registry, members)).toEqual([]);
    const [operation] = await rowsOf(registry, sql`select * from operations where id = ${id}`);
    expect(operation).toMatchObject({ status: "failed", error: "Given up by an operator" });
    expect(await databasesOf(tenantId)).toEqual([{ state: "gone", there: false }]);
  };
  return { id, assertEnded };
};

async function purge(): Promise<Case> {
  const acme = await newTenant();
  const past = Date.now() - 1000;
  await execute(
    acme.db,
    sql`update tenant_identity set status = 'deleting', delete_after = ${past}`,
  );
  const due = sql`update tenants set status = 'deleting', delete_after = ${past} where id = ${acme.id}`;
  await execute(registry, due);
  const scope = openWork(stocked());
  await scope.platform.configure(databaseNameOf(acme.id), { blockWrites: true });
  const id = newId("operation");
  const asked = { tenantId: acme.id, issuer: "clock", subject: "purge", input: {} };
  const operation = { id, kind: "purge" as const, ...asked, now: Date.now() };
  await commit(scope, operationWrites(registry, operation, kinds.purge));
  const assertEnded = async () => {
    const [tenant] = await rowsOf(registry, sql`select * from tenants where id = ${acme.id}`);
    expect(tenant).toMatchObject({ status: "deleted", slug: acme.slug, sealed_token: null });
    const [row] = await rowsOf(registry, sql`select * from operations where id = ${id}`);
    expect(row).toMatchObject({ status: "succeeded", error: null });
    expect(JSON.parse(String(row?.["output"]))).toMatchObject({
      databases: expect.any(Array),
      auditLog: { sequence: expect.any(Number), mac: expect.any(String) },
    });
    expect(await databasesOf(acme.id)).toEqual([{ state: "gone", there: false }]);
    await expect(
      openTenant(settings, acme.id).then((db) => rowsOf(db, "select 1")),
    ).rejects.toThrow();
  };
  return { id, assertEnded };
}

/** A tenant with a user of its backup and one who came later, and what must be left of that. */
async function placed(begin: (scope: JobScope, tenant: TestTenant) => Promise<string>) {
  const acme = await newTenant();
  const scope = openJob(bucket.bucket);
  await placeUsers(acme.db, [{ name: "Kept" }]);
  const id = await begin(scope, acme);
  const assertEnded = (users: readonly string[], states: readonly string[]) => async () => {
    const [row] = await rowsOf(registry, sql`select * from operations where id = ${id}`);
    expect(row).toMatchObject({ status: "succeeded", error: null });
    const { body } = await acme.owner.call<{ data: { name: string }[] }>("/api/v1/users");
    expect(body.data?.map(({ name }) => name).sort()).toEqual(users);
    const made = { method: "POST", body: { name: "Ada", email: "ada@acme.test" } };
    expect((await acme.owner.call("/api/v1/users", made)).status).toBe(201);
    const found = await databasesOf(acme.id);
    expect(found.map(({ state }) => state).sort()).toEqual(states);
    for (const { state, there } of found) expect(there).toBe(state !== "gone");
  };
  return { id, assertEnded };
}
const backedUp = async (scope: JobScope, tenant: TestTenant): Promise<string> => {
  const { id } = await backUp(scope, tenant);
  await placeUsers(tenant.db, [{ name: "Later" }]);
  return id;
};

const backup = async (): Promise<Case> => {
  const { id, assertEnded } = await placed(
    async (scope, tenant) => (await askForBackup(scope, tenant)).operationId,
  );
  return { id, assertEnded: assertEnded(["Kept", "Test Person"], ["current", "gone"]) };
};
const restoration = async (): Promise<Case> => {
  const { id, assertEnded } = await placed(async (scope, tenant) =>
    askForRestoration(scope, tenant, await backedUp(scope, tenant)),
  );
  const states = ["current", "former", "gone"];
  return { id, assertEnded: assertEnded(["Kept", "Test Person"], states) };
};
const reversal = async (): Promise<Case> => {
  const { id, assertEnded } = await placed(async (scope, tenant) => {
    const done = await restore(scope, tenant, await backedUp(scope, tenant));
    return await askForUndo(scope, tenant, done.id);
  });
  const states = ["current", "former", "gone"];
  return { id, assertEnded: assertEnded(["Kept", "Later", "Test Person"], states) };
};
const move = async (): Promise<Case> => {
  const { id, assertEnded } = await placed(askForMove);
  return { id, assertEnded: assertEnded(["Kept", "Test Person"], ["current", "former"]) };
};

const subjects: [string, OperationKind, "steps" | "undo", () => Promise<Case>][] = [
  ["a sign-up", "provision", "steps", signUp],
  ["a sign-up given up early", "provision", "undo", signUpGivenUp("create_database")],
  ["a sign-up given up late", "provision", "undo", signUpGivenUp("seed")],
  ["a purge", "purge", "steps", purge],
  ["a backup", "backup", "steps", backup],
  ["a restoration", "restore", "steps", restoration],
  ["a restoration taken back", "revert", "steps", reversal],
  ["a move", "move", "steps", move],
];

let cells = 0;
afterAll(() =>
  process.stdout.write(`Fault matrix: ${cells} cases, each ended as if nothing had happened\n`),
);

describe.each(subjects)("%s ends whole", (_, kind, part, begin) => {
  const names = Object.keys(kinds[kind][part] ?? {});
  test.each(names)("through every fault at %s", async (name) => {
    // Two at a time: the registry is that of all tests, and sqld can choke on many who write at once.
    const queue = faults.values();
    const lane = async () => {
      for (const fault of queue) {
        const { id, assertEnded } = await begin();
        const healthy = openWork(stocked());
        const scope = disturbed(kind, part, name, fault, () => driveToEnd(healthy, id));
        const outcome = await takeTurn(scope, id);
        expect(outcome).toBe(fault === "a second delivery during" ? "held" : `failed at ${name}`);
        await driveToEnd(healthy, id);
        await assertEnded();
        cells++;
      }
    };
    await Promise.all([lane(), lane()]);
  });
});
