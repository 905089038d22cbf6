import { expect, test } from "vitest";
import { newId } from "../core/id.ts";
import { batch } from "../db/batch.ts";
import { memberships } from "../registry/memberships/memberships.table.ts";
import type { Answer } from "../testing/client.ts";
import { servedContract } from "../testing/contract.ts";
import { dump } from "../testing/dump.ts";
import { newTenant, registry, settings, type TestTenant } from "../testing/harness.ts";
import { rowsOf } from "../testing/raw-sql.ts";
import { ask, newTwins, pathIn } from "../testing/twins.ts";

type Page = { data: { id: string; name: string }[]; meta: { nextCursor: string | null } };

const { operations } = await servedContract();
const paged = operations.filter(
  ({ "x-plane": plane, parameters }) =>
    plane === "tenant" && parameters.some(({ name }) => name === "cursor"),
);
const told = ({ status, body }: Answer) => [status, body["code"], body["detail"]];

test("a change, a deletion and a restoration in one twin leave the other's row of the same id alone", async () => {
  const twins = await newTwins();
  const { left, right, ids } = twins;
  const [inLeft, inRight] = [{ header: left.slug }, { header: right.slug }];
  const ada = `/api/v1/users/${ids.ada}`;
  const untouched = await dump(right.db);

  const patch = { method: "PATCH", body: { name: "Ada of the left" } };
  expect((await ask(twins, inLeft, ada, patch)).status).toBe(200);
  expect((await ask(twins, inLeft, ada, { method: "DELETE" })).status).toBe(204);
  expect(await dump(right.db)).toEqual(untouched);
  expect((await ask(twins, inRight, ada)).body["name"]).toBe(`Ada of ${right.slug}`);

  const restoration = { method: "POST" };
  const misplaced = await ask(twins, inRight, `${ada}/restoration`, restoration);
  expect(told(misplaced)).toEqual([404, "not_found", "No such user"]);
  expect((await ask(twins, inLeft, ada)).status).toBe(404);
  const restored = await ask(twins, inLeft, `${ada}/restoration`, restoration);
  expect([restored.status, restored.body["name"]]).toEqual([200, "Ada of the left"]);
  expect(await dump(right.db)).toEqual(untouched);
});

test("what is done to an account and its members in one twin leaves the other's of the same ids alone", async () => {
  const twins = await newTwins();
  const { left, right, ids } = twins;
  const account = `/api/v1/accounts/${ids.account}`;
  const [ada, dual] = [`${account}/members/${ids.ada}`, `${account}/members/${ids.dual}`];
  const headers = { "if-match": "*" };
  const inLeft = async (method: string, path: string, body?: object) =>
    (await ask(twins, { header: left.slug }, path, { method, headers, body })).status;
  const untouched = await dump(right.db);

  const settings = { theme: left.slug };
  const done = [
    await inLeft("PATCH", account, { name: "One name", domain: "one.test", settings }),
    await inLeft("POST", `${account}/members`, { userId: ids.dual, role: "ADMIN" }),
    await inLeft("PATCH", ada, { role: "MANAGER" }),
    await inLeft("DELETE", dual),
    await inLeft("DELETE", account),
    await inLeft("POST", `${account}/restoration`),
    await inLeft("PATCH", `/api/v1/tenant/members/${ids.ada}`, { tenantRole: "admin" }),
    await inLeft("DELETE", `/api/v1/tenant/members/${ids.ada}`),
    await inLeft("DELETE", "/api/v1/tenant/members/me"),
  ];
  expect(done).toEqual([200, 201, 200, 204, 204, 200, 200, 204, 204]);
  expect(await dump(right.db)).toEqual(untouched);

  const same = { method: "PATCH", body: { name: "One name", domain: "one.test" } };
  expect((await ask(twins, { header: right.slug }, account, same)).status).toBe(200);
  const restoration = { method: "POST" };
  const misplaced = await ask(twins, { header: right.slug }, `${account}/restoration`, restoration);
  expect(told(misplaced)).toEqual([404, "not_found", "No such account"]);
});

test("an account of the other twin cannot be joined, and one with the same id is one's own", async () => {
  const twins = await newTwins();
  const { left, right, ids } = twins;
  const create = (accountIds: string[]) => {
    const body = { name: "Bob", email: "bob@twins.test", accountIds };
    return ask<{ accounts: unknown }>(twins, { header: left.slug }, "/api/v1/users", {
      method: "POST",
      body,
    });
  };
  const before = [await dump(left.db), await dump(right.db)];
  for (const account of [newId("account"), right.accountId])
    for (const accountIds of [[account], [ids.account, account]])
      expect(told((await create(accountIds)) as Answer)).toEqual([
        404,
        "not_found",
        "No such account",
      ]);
  expect([await dump(left.db), await dump(right.db)]).toEqual(before);

  const { status, body } = await create([ids.account]);
  expect(status).toBe(201);
  expect(body.accounts).toEqual([
    { accountId: ids.account, name: `Account of ${left.slug}`, role: "VIEWER" },
  ]);
  expect(await dump(right.db)).toEqual(before[1]);
});

test("rights in one twin, in the tenant and in the account of the same id, are none in the other", async () => {
  const twins = await newTwins(
    { tenantRole: "member", accountRole: "VIEWER" },
    { tenantRole: "member", accountRole: "ADMIN" },
  );
  const { left, right, ids } = twins;
  const create = (slug: string, account: string) =>
    ask(twins, { header: slug }, "/api/v1/users", {
      method: "POST",
      headers: { "account-id": account },
      body: { name: "Bob", email: "bob@twins.test" },
    });
  const before = await dump(left.db);
  expect((await create(left.slug, ids.account)).body["code"]).toBe("forbidden");
  expect((await create(left.slug, right.accountId)).body["code"]).toBe("account_forbidden");
  expect((await create(right.slug, ids.account)).status).toBe(201);
  expect(await dump(left.db)).toEqual(before);

  const manage = (slug: string) =>
    ask(twins, { header: slug }, `/api/v1/accounts/${ids.account}/members/${ids.ada}`, {
      method: "PATCH",
      headers: { "account-id": ids.account, "if-match": "*" },
      body: { role: "EDITOR" },
    });
  expect((await manage(left.slug)).body["code"]).toBe("forbidden");
  expect((await manage(right.slug)).status).toBe(200);
  expect(await dump(left.db)).toEqual(before);

  const owners = await newTwins({ tenantRole: "member" }, { tenantRole: "owner" });
  const audit = (slug: string) => ask(owners, { header: slug }, "/api/v1/audit-logs");
  expect((await audit(owners.left.slug)).body["code"]).toBe("forbidden");
  expect((await audit(owners.right.slug)).status).toBe(200);
});

test.each(paged.map(({ path }) => path))(
  "%s refuses cursors of the other twin",
  async (pattern) => {
    const seats = { tenantRole: "owner", accountRole: "EDITOR" } as const;
    const twins = await newTwins(seats, seats);
    const { left, right } = twins;
    const path = pathIn(twins, pattern);
    const first = await ask<Page>(twins, { header: right.slug }, `${path}?limit=1`);
    const cursor = first.body.meta.nextCursor;
    const next = (slug: string) =>
      ask<Page>(twins, { header: slug }, `${path}?limit=1&cursor=${cursor}`);
    const theirs = await next(left.slug);
    expect(theirs).toMatchObject({
      status: 400,
      body: { code: "invalid_request", errors: [{ in: "query", path: "cursor" }] },
    });
    const own = await next(right.slug);
    expect(own.status).toBe(200);
    expect(own.body.data).toHaveLength(1);
    expect(own.body.data).not.toEqual(first.body.data);
  },
);

test("an ETag of the other twin matches nothing, though id and version are the same", async () => {
  const twins = await newTwins();
  const { left, right, ids } = twins;
  const account = `/api/v1/accounts/${ids.account}`;
  const changes: [string, object, string[]][] = [
    [`/api/v1/users/${ids.ada}`, { name: "Changed" }, ["PATCH", "DELETE"]],
    ["/api/v1/tenant", { name: "Changed" }, ["PATCH"]],
    [`${account}/members/${ids.ada}`, { role: "EDITOR" }, ["PATCH", "DELETE"]],
    [account, { settings: { changed: true } }, ["PATCH", "DELETE"]],
  ];
  for (const [path, body, methods] of changes) {
    const seen = await ask(twins, { header: right.slug }, path);
    const own = await ask(twins, { header: left.slug }, path);
    expect(own.body["version"]).toBe(seen.body["version"]);
    const before = await dump(left.db);
    const change = (tag: string | undefined, method: string) =>
      ask(twins, { header: left.slug }, path, {
        method,
        headers: { "if-match": tag },
        ...(method === "PATCH" && { body }),
      });
    for (const method of methods)
      expect((await change(seen.headers["etag"], method)).status).toBe(412);
    expect(await dump(left.db)).toEqual(before);
    expect((await change(own.headers["etag"], "PATCH")).status).toBe(200);
  }
});

test("no search and no audit filter reaches the other twin", async () => {
  const twins = await newTwins();
  const { left, right, ids } = twins;
  const headers = { "x-request-id": `right.${newId("operation")}` };
  const patch = { method: "PATCH", headers, body: { name: "Changed" } };
  await ask(twins, { header: right.slug }, `/api/v1/users/${ids.ada}`, patch);
  const found = async (slug: string, query: string) =>
    (await ask<Page>(twins, { header: slug }, `/api/v1/${query}`)).body.data.length;
  for (const query of [
    `users?search=${right.slug}`,
    "users?search=Changed",
    `audit-logs?entityId=${right.owner.userId}`,
    `audit-logs?actorId=${ids.dual}&entity=users`,
    `audit-logs?entity=users&action=UPDATE`,
    `audit-logs?requestId=${headers["x-request-id"]}`,
  ]) {
    expect(await found(left.slug, query), query).toBe(0);
    expect(await found(right.slug, query), query).toBeGreaterThan(0);
  }
});

test("who is deleted in one twin is still listed in the other, and let in", async () => {
  const twins = await newTwins();
  const { left, right, dual, ids } = twins;
  const { issuer } = settings.identityProvider;
  const row = { issuer, subject: dual.subject, role: "admin", status: "active" } as const;
  await batch(registry, "write", [
    registry
      .insert(memberships)
      .values([left, right].map(({ id }) => ({ ...row, tenantId: id, createdAt: Date.now() }))),
  ]);
  const mine = async () =>
    (await dual.call<Page>("/api/v1/tenants")).body.data.map(({ id }) => id).sort();
  expect(await mine()).toEqual([left.id, right.id].sort());

  const gone = await left.owner.call(`/api/v1/users/${ids.dual}`, { method: "DELETE" });
  expect(gone.status).toBe(204);
  expect(await mine()).toEqual([right.id]);
  expect((await ask(twins, { header: left.slug }, "/api/v1/tenant")).status).toBe(403);
  expect((await ask(twins, { header: right.slug }, "/api/v1/tenant")).status).toBe(200);
});

test("somebody else's operation is answered like one that never was", async () => {
  const [mine, theirs] = await Promise.all([newTenant(), newTenant()]);
  const operationOf = async ({ id }: TestTenant) =>
    (
      await rowsOf<{ id: string }>(registry, `select id from operations where tenant_id = '${id}'`)
    )[0]?.id;
  const get = async (id: string | undefined) =>
    told(await mine.owner.call(`/api/v1/operations/${id}`));
  expect(await get(await operationOf(theirs))).toEqual(await get(newId("operation")));
  expect(await get(await operationOf(theirs))).toEqual([404, "not_found", "No such operation"]);
  expect(await get(await operationOf(mine))).toEqual([200, undefined, undefined]);
});
