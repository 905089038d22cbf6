import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { databaseNameOf } from "../../platform/platform.ts";
import { codeOf } from "../../testing/client.ts";
import { tracesOf } from "../../testing/founder.ts";
import { newPerson, type Person, registry, settings, stack } from "../../testing/harness.ts";
import { type DatabaseProxy, startProxy } from "../../testing/proxy.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
import { type RunningWorker, startWorker } from "../../testing/worker.ts";
import { openToken } from "./token-vault.ts";

let proxy: DatabaseProxy;
let worker: RunningWorker;
beforeAll(async () => {
  proxy = await startProxy(stack.settings);
  const variables = { ...stack.settings, ...proxy.settings, DATABASE_TIMEOUT_MS: "10000" };
  worker = await startWorker({ bundle: stack.bundle, settings: variables });
});
afterAll(async () => {
  await worker.stop();
  await proxy.stop();
});

const newSlug = () => `t-${randomUUID().slice(0, 13)}`;
const signUp = (person: Person, slug: string) =>
  person.call("/api/v1/tenants/register", { method: "POST", body: { name: "Acme", slug } });

/** The databases asked for while `work` runs. */
async function databasesMade<T>(work: () => Promise<T>): Promise<{ result: T; made: string[] }> {
  const from = proxy.passages.length;
  const result = await work();
  const asked = proxy.passages.slice(from).filter(({ door }) => door === "admin");
  return { result, made: asked.map(({ namespace }) => String(namespace)) };
}
const tenantsOf = ({ subject }: Person) =>
  rowsOf<{ slug: string; status: string; name: string }>(
    registry,
    `select t.slug, t.status, t.database_name as name from tenant_users u
      join tenants t on t.id = u.tenant_id where u.subject = '${subject}' order by t.slug`,
  );

test("the sixth tenant of one person is refused, and a taken slug among them costs nothing", async () => {
  const owner = newPerson(worker.url);
  const slugs = Array.from({ length: 5 }, newSlug);
  for (const slug of slugs) {
    expect(codeOf(await signUp(owner, slug))).toBe("201");
    expect(codeOf(await signUp(newPerson(worker.url), slug))).toBe("409 slug_taken");
  }
  const { result, made } = await databasesMade(() => signUp(owner, newSlug()));
  expect(codeOf(result)).toBe("409 tenant_limit_reached");
  expect(made).toEqual([]);
  expect((await tenantsOf(owner)).map(({ slug }) => slug)).toEqual(slugs.sort());
});

test("of twenty sign-ups of one person at once exactly five succeed", async () => {
  const owner = newPerson(worker.url);
  const slugs = Array.from({ length: 20 }, newSlug);
  const { result, made } = await databasesMade(() =>
    Promise.all(slugs.map((slug) => signUp(owner, slug))),
  );
  expect(result.map(codeOf).sort()).toEqual([
    ...Array(5).fill("201"),
    ...Array(15).fill("409 tenant_limit_reached"),
  ]);
  const tenants = await tenantsOf(owner);
  expect(tenants.map(({ slug }) => slug)).toEqual(
    result.flatMap(({ body }) => (body["slug"] ? [String(body["slug"])] : [])).sort(),
  );
  expect(new Set(tenants.map(({ status }) => status))).toEqual(new Set(["active"]));
  expect(made.sort()).toEqual(tenants.map(({ name }) => name).sort());
});

test("twenty times the same sign-up at once makes one tenant with one database", async () => {
  const [owner, slug] = [newPerson(worker.url), newSlug()];
  const { result, made } = await databasesMade(() =>
    Promise.all(Array.from({ length: 20 }, () => signUp(owner, slug))),
  );
  const { id, central, own } = await tracesOf({ slug });
  const codes = new Set(result.map(codeOf));
  // Who comes when all is done is told so.
  codes.delete("409 slug_taken");
  expect(codes).toEqual(new Set(["201"]));
  const ids = result.filter(({ status }) => status === 201).map(({ body }) => body["id"]);
  expect(new Set(ids)).toEqual(new Set([id]));
  expect(made).toEqual([databaseNameOf(String(id))]);
  expect(central.operations).toMatchObject([{ status: "succeeded", attempts: 1 }]);
  expect(new Set(central.steps.map((step) => step["attempts"]))).toEqual(new Set([1]));
  expect(central.memberships).toHaveLength(1);
  expect(own?.users).toHaveLength(1);
  expect(own?.log).toHaveLength(6);
});

test("of twenty people who want the same slug at once one gets it", async () => {
  const [people, slug] = [Array.from({ length: 20 }, () => newPerson(worker.url)), newSlug()];
  const { result, made } = await databasesMade(() =>
    Promise.all(people.map((person) => signUp(person, slug))),
  );
  expect(result.map(codeOf).sort()).toEqual(["201", ...Array(19).fill("409 slug_taken")]);
  const winner = people[result.findIndex(({ status }) => status === 201)];
  const { id, central, own } = await tracesOf({ slug });
  expect(made).toEqual([databaseNameOf(String(id))]);
  expect(central.memberships).toMatchObject([{ subject: winner?.subject }]);
  expect(own?.users).toMatchObject([{ email: winner?.email }]);
});

test("no answer and no log line of a sign-up holds a token or a key", async () => {
  const owner = newPerson(worker.url);
  const answers = [await signUp(owner, "admin"), await owner.call("/api/v1/auth/me")];
  const slugs = [newSlug(), newSlug(), newSlug()];
  const doors = ["admin", "data"] as const;
  for (const door of doors) {
    const answer = { status: 500, body: "it broke" };
    const fault = proxy.disturb({ of: (p) => p.door === door, at: "reply", by: { answer } });
    answers.push(await signUp(owner, String(slugs[doors.indexOf(door)])));
    fault.lift();
  }
  for (const slug of [...slugs, ...slugs]) answers.push(await signUp(owner, slug));
  expect(answers.map(({ status }) => status)).toEqual([
    400, 200, 503, 503, 201, 201, 201, 409, 409, 409,
  ]);

  const { central, id } = await tracesOf({ slug: String(slugs[0]) });
  const sealed = String(central.tenants[0]?.["sealed_token"]);
  const opened = await openToken(settings.ENCRYPTION_KEY, String(id), sealed);
  const secrets = [
    ...["GLOBAL_AUTH_TOKEN", "SQLD_ADMIN_KEY", "SQLD_JWT_KEY"].map((name) => stack.settings[name]),
    ...settings.ENCRYPTION_KEY.map(({ key }) => key.reveal()),
    await owner.token(),
    sealed,
    opened.reveal(),
  ];
  const mine = () => worker.lines.filter((line) => line["subject"] === owner.subject);
  await expect.poll(() => mine().length).toBe(answers.length);
  const seen = JSON.stringify([answers, worker.lines]);
  for (const secret of secrets) expect(seen).not.toContain(secret);
  expect(seen).not.toMatch(/eyJ[\w-]{10}/);
});
