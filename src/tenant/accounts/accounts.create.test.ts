import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../http/problem.ts";
import { naming, newTenant, type Person, type TestTenant } from "../../testing/harness.ts";
import { keyOf } from "../../testing/keys.ts";
import { newOperator, newPlatformAdmin, takeGrant } from "../../testing/operators.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
import { auditOf, placeAccount } from "../../testing/rows.ts";
import type { Account } from "./accounts.schema.ts";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

const path = "/api/v1/accounts";
const create = <T = Account>(
  { call }: Pick<Person, "call">,
  body: unknown,
  headers: Record<string, string> = {},
) => call<T>(path, { method: "POST", body, headers });
const outcome = ({ status, body }: { status: number; body: Problem }) =>
  body.code ? `${status} ${body.code}` : `${status}`;

test("an account is stored as sent, active and empty, and the answer says where it is", async () => {
  const domain = `${randomUUID()}.test`;
  const settings = { theme: { colour: "green", sizes: [1, 2.5, null] }, "": true };
  const { status, headers, body } = await create(acme.owner, {
    name: "  Research ",
    description: "All that is new",
    domain: ` ${domain.toUpperCase()} `,
    settings,
  });
  expect(status).toBe(201);
  expect(body).toEqual({
    id: expect.stringMatching(/^acc_/) as string,
    name: "Research",
    description: "All that is new",
    domain,
    settings,
    active: true,
    version: 1,
    createdAt: expect.any(String) as string,
    updatedAt: body.createdAt,
    createdBy: acme.owner.userId,
    updatedBy: acme.owner.userId,
  });
  expect(headers["location"]).toBe(`${path}/${body.id}`);
  expect(headers["etag"]).toBe(`"${acme.id}.1"`);
  const got = await acme.owner.call<Account>(`${path}/${body.id}`);
  expect([got.status, got.headers["etag"]]).toEqual([200, headers["etag"]]);
  expect(got.body).toEqual(body);
  const members = await acme.owner.call<{ data: unknown[] }>(`${path}/${body.id}/members`);
  expect(members.body.data).toEqual([]);

  const [row, ...more] = await auditOf(acme.owner, { requestId: headers["x-request-id"] ?? "" });
  expect(more).toEqual([]);
  expect(row).toMatchObject({ action: "INSERT", entity: "accounts", entityId: body.id });
  expect(row?.changes["settings"]?.new).toBe(JSON.stringify(settings));
});

test("a name is all it takes: no description, no domain, no settings", async () => {
  const { status, body } = await create(acme.owner, { name: "Bare" });
  expect(status).toBe(201);
  expect(body).toMatchObject({ description: null, domain: null, settings: {} });
});

test("who rules the tenant creates accounts: people, keys and platform admins; no account role does", async () => {
  const admin = await acme.member({ tenantRole: "admin" });
  const callers = [admin, await keyOf(admin), await newOperator(acme, "write")];
  for (const caller of callers)
    expect((await create(caller, { name: randomUUID() })).status).toBe(201);
  const boss = await acme.member({ accountRole: "ADMIN" });
  const others = [
    boss,
    await keyOf(boss),
    await keyOf(admin, { accountId: acme.accountId }),
    await keyOf(admin, { scopes: ["MANAGE_SYSTEM_SETTINGS"] }),
    await newOperator(acme, "read"),
  ];
  for (const caller of others)
    expect(outcome(await create<Problem>(caller, { name: randomUUID() }))).toBe("403 forbidden");
});

test("a name and a domain are given once among the living, and are free after a deletion", async () => {
  const [name, domain] = [randomUUID(), `${randomUUID()}.test`];
  const first = await create(acme.owner, { name, domain });
  expect(first.status).toBe(201);
  const again = (body: object) => create<Problem>(acme.owner, body).then(outcome);
  expect(await again({ name })).toBe("409 name_taken");
  expect(await again({ name: ` ${name}  ` })).toBe("409 name_taken");
  expect(await again({ name: randomUUID(), domain })).toBe("409 domain_taken");
  expect(await again({ name: randomUUID(), domain: domain.toUpperCase() })).toBe(
    "409 domain_taken",
  );
  await acme.owner.call(`${path}/${first.body.id}`, { method: "DELETE" });
  expect(await again({ name, domain })).toBe("201");
});

test("many accounts have no domain, and two tenants may use one name and domain", async () => {
  const globex = await newTenant();
  const [name, domain] = [randomUUID(), `${randomUUID()}.test`];
  for (const { owner } of [acme, globex])
    expect((await create(owner, { name, domain })).status).toBe(201);
  for (const bare of [randomUUID(), randomUUID()])
    expect((await create(acme.owner, { name: bare })).status).toBe(201);
});

test("of 24 creates with one name at once exactly one succeeds, and so with one domain", async () => {
  const [name, domain] = [randomUUID(), `${randomUUID()}.test`];
  const tally = async (bodyOf: (index: number) => object) => {
    const work = Array.from({ length: 24 }, (_, i) => create<Problem>(acme.owner, bodyOf(i)));
    return (await Promise.all(work)).map(outcome).sort();
  };
  const oneOf = (code: string) => ["201", ...Array<string>(23).fill(`409 ${code}`)];
  expect(await tally(() => ({ name }))).toEqual(oneOf("name_taken"));
  expect(await tally((i) => ({ name: `${domain} ${i}`, domain }))).toEqual(oneOf("domain_taken"));
  const rows = await rowsOf(
    acme.db,
    `select a.id from accounts a join audit_logs l on l.entity_id = a.id
      where a.name = '${name}' or a.domain = '${domain}'`,
  );
  expect(rows).toHaveLength(2);
});

test("a create that is repeated under one Idempotency-Key makes one account, and one answer", async () => {
  const headers = { "idempotency-key": randomUUID() };
  const body = { name: randomUUID(), settings: { a: [1, { b: null }] } };
  const [first, second] = [
    await create(acme.owner, body, headers),
    await create(acme.owner, body, headers),
  ];
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.body).toEqual(first.body);
});

test("a platform admin's account bears their name and the reason of their grant in the log", async () => {
  const reason = "Their first account went missing";
  const admin = await newPlatformAdmin();
  await takeGrant(admin, acme.id, { mode: "write", reason });
  const operator = naming(admin, { "x-tenant-id": acme.slug });
  const { body, headers } = await create(operator, { name: randomUUID() });
  expect(body.createdBy).toMatch(new RegExp(`\\|${operator.subject.replace("|", "\\|")}$`));
  const [row] = await auditOf(acme.owner, { requestId: headers["x-request-id"] ?? "" });
  expect(row).toMatchObject({ actorType: "operator", actorId: body.createdBy, reason });
});

const good = { name: "Good" };
test.each<[string, unknown, string]>([
  ["no name", {}, "name"],
  ["null for a name", { name: null }, "name"],
  ["an empty name", { name: " " }, "name"],
  ["a name of 201 characters", { name: "a".repeat(201) }, "name"],
  ["NUL in the name", { name: "a\u0000" }, "name"],
  ["a description of 1001 characters", { ...good, description: "a".repeat(1001) }, "description"],
  ["half an emoji in the description", { ...good, description: "\ud83d" }, "description"],
  ["a bare word for a domain", { ...good, domain: "acme" }, "domain"],
  ["an address for a domain", { ...good, domain: "127.0.0.1" }, "domain"],
  ["a URL for a domain", { ...good, domain: "https://acme.test" }, "domain"],
  ["settings that are a list", { ...good, settings: [] }, "settings"],
  ["settings that are null", { ...good, settings: null }, "settings"],
  ["settings that are a text", { ...good, settings: "{}" }, "settings"],
  ["settings of more than 8 KB", { ...good, settings: { a: "x".repeat(8200) } }, "settings"],
  ["settings six levels deep", { ...good, settings: { a: [[[[[1]]]]] } }, "settings"],
  ["NUL in the settings", { ...good, settings: { a: ["\u0000"] } }, "settings"],
  ["half an emoji for a key", { ...good, settings: { "\ud83d": 1 } }, "settings"],
  ["a prototype in the settings", '{"name":"A","settings":{"__proto__":{"a":1}}}', "settings"],
  ["a constructor", { ...good, settings: { a: { constructor: {} } } }, "settings"],
  ["a number beyond numbers", '{"name":"A","settings":{"a":1e999}}', "settings"],
  ["an id", { ...good, id: "acc_1" }, ""],
  ["a standing", { ...good, active: false }, ""],
  ["a version", { ...good, version: 7 }, ""],
])("a body that holds %s is refused, and the answer says where", async (_, body, at) => {
  const answer = await create<Problem>(acme.owner, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(400);
  expect(answer.body.errors?.map((error) => [error.in, error.path])).toEqual([["body", at]]);
});

test("the one account that is there from the start takes its name like any other", async () => {
  const first = await placeAccount(acme.db, randomUUID());
  const { body } = await acme.owner.call<Account>(`${path}/${first}`);
  expect(outcome(await create<Problem>(acme.owner, { name: body.name }))).toBe("409 name_taken");
});
