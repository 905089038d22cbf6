import { afterAll, beforeAll, expect, test } from "vitest";
import {
  askForMove,
  askForRestoration,
  backUp,
  finish,
  ledgerFor,
  openBucket,
  openJob,
} from "../../testing/archive.ts";
import { newTenant, stack, type TestTenant } from "../../testing/harness.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";
import { kinds } from "../kinds.ts";
import type { Step } from "../operations/kind.ts";
import { giveUpOperation } from "../operations/steer.service.ts";
import type { JobScope } from "../scope.ts";

let bucket: Awaited<ReturnType<typeof openBucket>>;
let other: RunningWorker;
beforeAll(async () => {
  bucket = await openBucket();
  const settings = { ...stack.settings, ROUTE_CACHE_SECONDS: "600" };
  other = await startWorker({ bundle: stack.bundle, settings });
});
afterAll(async () => {
  await Promise.all([bucket.close(), other.stop()]);
});

const rename = ({ owner }: Pick<TestTenant, "owner">, base = "") =>
  owner.call(`${base}/api/v1/tenant`, {
    method: "PATCH",
    body: { name: "Renamed" },
    headers: { "if-match": "*" },
  });
const codeOf = ({ status, body }: Awaited<ReturnType<typeof rename>>) =>
  `${status} ${body["code"] ?? ""}`.trim();

/** The same scope, in which this happens before a step is taken. */
function pausing(scope: JobScope, kind: "restore" | "move", step: string, pause: Step): JobScope {
  const { steps, ...rest } = kinds[kind];
  const taken = steps[step] as Step;
  const paused: Step = async (...given) => {
    await pause(...given);
    return await taken(...given);
  };
  return {
    ...scope,
    kinds: { ...kinds, [kind]: { ...rest, steps: { ...steps, [step]: paused } } },
  };
}

test("while it is held a tenant is read as ever and written to by nobody; then every Worker follows", async () => {
  const tenant = await newTenant();
  for (const base of ["", other.url]) expect((await rename(tenant, base)).status).toBe(200);
  const during: string[] = [];
  const scope = pausing(openJob(bucket.bucket), "move", "swap", async () => {
    for (const base of ["", other.url]) {
      during.push(codeOf(await tenant.owner.call(`${base}/api/v1/users`)));
      during.push(codeOf(await rename(tenant, base)));
    }
    return undefined;
  });
  await finish(scope, await askForMove(scope, tenant));
  const held = ["200", "503 dependency_unavailable"];
  expect(during).toEqual([...held, ...held]);
  for (const base of ["", other.url]) {
    expect(codeOf(await rename(tenant, base))).toBe("200");
    expect(codeOf(await tenant.owner.call(`${base}/api/v1/users`))).toBe("200");
  }
});

test("a restoration that is given up while the tenant is held leaves it as it was, and writable", async () => {
  const tenant = await newTenant();
  const plain = openJob(bucket.bucket);
  const backup = await backUp(plain, tenant);
  const id = await askForRestoration(plain, tenant, backup.id);
  const scope = pausing(plain, "restore", "swap", async () => {
    expect(codeOf(await rename(tenant))).toBe("503 dependency_unavailable");
    await giveUpOperation(plain, id);
    return undefined;
  });
  await expect(finish(scope, id)).rejects.toMatchObject({ name: "LeaseHeld" });
  await finish(plain, id);
  expect(codeOf(await rename(tenant))).toBe("200");
  expect((await ledgerFor(tenant)).map(({ state }) => state)).toEqual([
    "current",
    "gone",
    "doomed",
  ]);
});
