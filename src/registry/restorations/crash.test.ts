import { afterAll, beforeAll, expect, test } from "vitest";
import {
  askForBackup,
  askForMove,
  askForRestoration,
  askForUndo,
  backUp,
  finish,
  ledgerFor,
  openBucket,
  openJob,
  restore,
} from "../../testing/archive.ts";
import { type FaultyFetch, faultyFetch } from "../../testing/faulty-fetch.ts";
import { newTenant, type TestTenant } from "../../testing/harness.ts";
import { placeUsers } from "../../testing/rows.ts";
import { hastenOperation } from "../operations/steer.service.ts";
import type { JobScope } from "../scope.ts";

const timeout = 240_000;
/** Every third call: the matrix of operations goes through each step. */
const stride = 3;

let bucket: Awaited<ReturnType<typeof openBucket>>;
beforeAll(async () => {
  bucket = await openBucket();
});
afterAll(() => bucket.close());

/** What is done to a tenant with a user "Kept" in its backup and a user "Later" behind it. */
type Deed = {
  readonly begin: (scope: JobScope, tenant: TestTenant, backupId: string) => Promise<string>;
  readonly users: readonly string[];
  readonly states: readonly string[];
};
const deeds: Record<string, Deed> = {
  backup: {
    begin: async (scope, tenant) => (await askForBackup(scope, tenant)).operationId,
    users: ["Kept", "Later", "Test Person"],
    states: ["current", "gone", "gone"],
  },
  restoration: {
    begin: askForRestoration,
    users: ["Kept", "Test Person"],
    states: ["former", "gone", "current"],
  },
  reversal: {
    begin: async (scope, tenant, backupId) =>
      await askForUndo(scope, tenant, (await restore(scope, tenant, backupId)).id),
    users: ["Kept", "Later", "Test Person"],
    states: ["current", "gone", "former"],
  },
  move: {
    begin: askForMove,
    users: ["Kept", "Later", "Test Person"],
    states: ["former", "gone", "current"],
  },
};

async function prepared() {
  const tenant = await newTenant();
  const scope = openJob(bucket.bucket);
  await placeUsers(tenant.db, [{ name: "Kept" }]);
  const { id } = await backUp(scope, tenant);
  await placeUsers(tenant.db, [{ name: "Later" }]);
  return { tenant, scope, backupId: id };
}

/** As the clock takes it up: the dead driver's lease has ended. */
async function takeUp(scope: JobScope, id: string): Promise<void> {
  await new Promise((wake) => setTimeout(wake, 40));
  await hastenOperation(scope, id).catch(() => undefined);
  await finish(scope, id);
}

/** Drives it over this network, as somebody whose lease ends at once. */
const driveOver = async (network: FaultyFetch, id: string) => {
  const scope = { ...openJob(bucket.bucket, network.fetch), leaseMs: 1 };
  await finish(scope, id, 1).catch(() => undefined);
};

for (const [name, { begin, users, states }] of Object.entries(deeds))
  test(`a ${name} whose driver dies after any of its calls is finished by the next`, {
    timeout,
  }, async () => {
    let more = true;
    let at = 1;
    const lane = async () => {
      while (more) {
        const mine = at;
        at += stride;
        const { tenant, scope, backupId } = await prepared();
        const id = await begin(scope, tenant, backupId);
        const network = faultyFetch(mine, "dies after");
        await driveOver(network, id);
        const struck = network.calls.length >= mine;
        if (struck) await takeUp(scope, id).catch(unlessOver);
        else more = false;
        const { body } = await tenant.owner.call<{ data: { name: string }[] }>("/api/v1/users");
        expect(body.data?.map((user) => user.name).sort(), `${mine}`).toEqual(users);
        const renamed = await tenant.owner.call("/api/v1/tenant", {
          method: "PATCH",
          body: { name: "Goes on" },
          headers: { "if-match": "*" },
        });
        expect(renamed.status, `${mine} ${renamed.body["message"]}`).toBe(200);
        const ledger = (await ledgerFor(tenant)).map(({ state }) => state);
        expect(ledger, `${mine}`).toEqual(states);
      }
    };
    await Promise.all([lane(), lane()]);
    expect(at).toBeGreaterThan(8);
  });

/** The last answer was lost, and it had worked. */
function unlessOver(error: unknown): void {
  if (!(error instanceof Error) || error.name !== "LeaseHeld") throw error;
}
