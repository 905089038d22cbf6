import { expect, test } from "vitest";
import { databaseNameOf } from "../../platform/platform.ts";
import { ledgerFor } from "../../testing/archive.ts";
import { dump } from "../../testing/dump.ts";
import { newTenant, type Person, type TestTenant } from "../../testing/harness.ts";
import { newPlatformAdmin } from "../../testing/operators.ts";
import { placeUsers } from "../../testing/rows.ts";

type Thing = { id: string; status: string; operationId: string; step: string | null };
const begin = (person: Pick<Person, "call">, path: string, body?: object) =>
  person.call<Thing & { code?: string }>(`/api/v1${path}`, { method: "POST", body });

async function until(person: Pick<Person, "call">, path: string, status: string) {
  await expect
    .poll(async () => (await person.call<Thing>(`/api/v1${path}`)).body.status, { timeout: 20_000 })
    .toBe(status);
}

/** Reads and writes, one after the other, until it is told to stop; how each was answered. */
function useAll(tenant: TestTenant) {
  const answers: string[] = [];
  let stopped = false;
  const work = async (ask: () => Promise<{ status: number; body: object }>) => {
    while (!stopped) {
      const { status, body } = await ask();
      answers.push(status === 200 ? "200" : `${status} ${(body as { code?: string }).code}`);
    }
  };
  const write = (name: string) =>
    tenant.owner.call("/api/v1/tenant", {
      method: "PATCH",
      body: { name },
      headers: { "if-match": "*" },
    });
  const running = Promise.all([
    work(() => tenant.owner.call("/api/v1/users")),
    work(() => write("A")),
    work(() => write("B")),
  ]);
  return async () => {
    stopped = true;
    await running;
    return answers;
  };
}

test("a tenant is restored under load, and the other tenant notices nothing", {
  timeout: 60_000,
}, async () => {
  const [a, b] = [await newTenant(), await newTenant()];
  await placeUsers(a.db, [{ name: "Kept" }]);
  const { status, body: backup } = await begin(a.owner, "/tenant/backups");
  expect([201, 202]).toContain(status);
  await until(a.owner, `/tenant/backups/${backup.id}`, "ready");
  await placeUsers(a.db, [{ name: "Lost" }]);
  await b.owner.call("/api/v1/users");
  const before = await dump(b.db);

  const stop = useAll(a);
  let bAnswers = 0;
  const asked = begin(a.owner, "/tenant/restorations", { backupId: backup.id });
  let done = false;
  const answered = asked.finally(() => {
    done = true;
  });
  for (; !done; bAnswers++) expect((await b.owner.call("/api/v1/users")).status).toBe(200);
  const { body: restoration } = await answered;
  await until(a.owner, `/tenant/restorations/${restoration.id}`, "succeeded");
  const answers = await stop();

  expect(bAnswers).toBeGreaterThan(1);
  const odd = answers.filter((each) => each !== "200" && each !== "503 dependency_unavailable");
  expect(odd).toEqual([]);
  expect(answers.filter((answer) => answer === "200").length).toBeGreaterThan(10);
  expect(await dump(b.db)).toEqual(before);
  const { body } = await a.owner.call<{ data: { name: string }[] }>("/api/v1/users");
  expect(body.data.map(({ name }) => name).sort()).toEqual(["Kept", "Test Person"]);
  expect(await ledgerFor(a)).toEqual([
    { name: databaseNameOf(a.id), state: "former" },
    { name: databaseNameOf(a.id, backup.operationId), state: "gone" },
    { name: databaseNameOf(a.id, restoration.id), state: "current" },
  ]);

  const undo = await begin(a.owner, `/tenant/restorations/${restoration.id}/undo`);
  expect([201, 202]).toContain(undo.status);
  await until(a.owner, `/tenant/restorations/${undo.body.id}`, "succeeded");
  const now = await a.owner.call<{ data: { name: string }[] }>("/api/v1/users");
  expect(now.body.data.map(({ name }) => name).sort()).toEqual(["Kept", "Lost", "Test Person"]);
});

test("a tenant moves under load, and no write that was answered is lost", {
  timeout: 60_000,
}, async () => {
  const tenant = await newTenant();
  const operator = await newPlatformAdmin();
  const made: string[] = [];
  let stopped = false;
  const write = async () => {
    while (!stopped) {
      const body = { name: `Account ${crypto.randomUUID()}` };
      const answer = await tenant.owner.call<{ id: string }>("/api/v1/accounts", {
        method: "POST",
        body,
      });
      expect([201, 503]).toContain(answer.status);
      if (answer.status === 201) made.push(answer.body.id);
    }
  };
  const writers = Promise.all([write(), write()]);
  await expect.poll(() => made.length).toBeGreaterThan(3);
  const move = await begin(operator, `/admin/tenants/${tenant.id}/moves`, {});
  expect([201, 202]).toContain(move.status);
  await until(operator, `/admin/operations/${move.body.id}`, "succeeded");
  const atSwap = made.length;
  await expect.poll(() => made.length, { timeout: 10_000 }).toBeGreaterThan(atSwap);
  stopped = true;
  await writers;
  for (const id of made)
    expect((await tenant.owner.call(`/api/v1/accounts/${id}`)).status, id).toBe(200);
});
