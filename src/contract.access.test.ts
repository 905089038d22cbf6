import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "./core/id.ts";
import type { Answer, Call } from "./testing/client.ts";
import { type Operation, servedContract } from "./testing/contract.ts";
import { dump } from "./testing/dump.ts";
import { naming, newPerson, type Person } from "./testing/harness.ts";
import { type House, newHouse, type Outsider, refusalOf } from "./testing/house.ts";
import { keyOf } from "./testing/keys.ts";
import { newPlatformAdmin } from "./testing/operators.ts";
import { randomPath, realPath } from "./testing/paths.ts";
import { headersOf, oddBodies, sample } from "./testing/sample.ts";

const { document, operations } = await servedContract();
const named = (chosen: Operation[]) =>
  chosen.map((operation) => [`${operation.method} ${operation.path}`, operation] as const);
const inTenants = operations.filter((operation) => operation["x-plane"] === "tenant");
const withIds = inTenants.filter(({ path }) => path.includes("{"));

let shared: House;
beforeAll(async () => {
  shared = await newHouse();
});

/** How often somebody's answer was compared with what the operation declares. */
let cells = 0;
afterAll(() => {
  process.stdout.write(
    `\nAccess matrix: ${cells} cells: ${inTenants.length} operations of tenants × ${shared.positions.length} positions and ${shared.outsiders.length} outsiders, ${ofOperators.length} of platform admins × 6 others\n`,
  );
});

/** What acts on its caller, such as signing out, leaves them changed. */
const houseFor = ({ method, path }: Operation) =>
  method === "DELETE" && !path.includes("{") ? newHouse() : shared;

const { schemas } = document.components;
const schemaOf = ({ requestBody }: Operation) => requestBody?.content["application/json"]?.schema;

/** The request as it should be, but for ids that are nobody's. */
async function wellFormed(operation: Operation): Promise<Call & { path: string }> {
  const schema = schemaOf(operation);
  return {
    method: operation.method,
    path: await randomPath(operation),
    headers: headersOf(operation),
    body: schema && sample(schemas, schema),
  };
}

/** Every way to get the request wrong. */
async function malformed(operation: Operation): Promise<(Call & { path: string })[]> {
  const { method, parameters } = operation;
  const valid = await wellFormed(operation);
  const { path } = valid;
  const query = parameters
    .filter((parameter) => parameter.in === "query")
    .map(({ name }) => `${name}=%00'--&${name}=-1`);
  const odd = method === "GET" ? [] : oddBodies(schemas, schemaOf(operation) ?? { type: "object" });
  return [
    { ...valid, path: operation.path.replaceAll(/\{\w+\}/g, "..%2f%00") },
    { ...valid, path: `${path}?${query.join("&")}` },
    { ...valid, headers: { "if-match": "nonsense", accept: "text/html" } },
    { ...valid, headers: { "idempotency-key": "with spaces" } },
    ...odd.map((call) => ({ method, path, ...call })),
  ];
}

/** An answer without what differs between any two requests. */
function comparable({ status, headers, body }: Answer, path: string) {
  const { date, "x-request-id": header, ...kept } = headers;
  const { requestId, instance, ...problem } = body;
  expect([requestId, instance]).toEqual([header, path]);
  return { status, kept, problem };
}

describe.each(named(inTenants))("%s", (_, operation) => {
  const { method, "x-access": access = expect.unreachable() } = operation;
  const refusedIn = ({ positions, outsiders }: House): Outsider[] => [
    ...outsiders,
    ...positions.flatMap(({ title, person, ...position }) => {
      const refusal = refusalOf(access, method, { title, person, ...position });
      return refusal ? [{ title, person, refusal }] : [];
    }),
  ];

  test("answers everybody as it declares, and changes nothing for those it refuses", async () => {
    const house = await houseFor(operation);
    const refused = refusedIn(house);
    const before = await dump(house.tenant.db);
    for (const { title, person, refusal } of refused) {
      const { path, ...call } = await wellFormed(operation);
      const { status, body } = await person.call(path, call);
      expect({ status, code: body?.["code"] }, title).toEqual(refusal);
      cells++;
    }
    expect(await dump(house.tenant.db)).toEqual(before);

    const open = house.positions.filter((position) => !refusalOf(access, method, position));
    for (const { title, person } of open) {
      const { path, ...call } = await wellFormed(operation);
      const { status, body } = await person.call(path, call);
      const refusedForRights = status === 401 || status === 403 || status >= 500;
      expect(refusedForRights, `${title}: ${status} ${body?.["code"]}`).toBe(false);
      expect(body?.["code"], title).not.toBe("account_required");
      cells++;
    }
    expect(open.map(({ title }) => title)).toContain("owner");
  });

  test("refuses who it is not open to before it looks at what they send", async () => {
    const { tenant, ...house } = shared;
    const requests = await malformed(operation);
    const before = await dump(tenant.db);
    const one = refusedIn({ tenant, ...house }).filter(({ title }) =>
      [
        "nobody",
        "somebody of no tenant",
        "a revoked key",
        "VIEWER",
        "the owner's scopeless key",
      ].includes(title),
    );
    for (const { title, person, refusal } of one) {
      const answers = await Promise.all(
        requests.map(({ path, ...call }) => person.call(path, call)),
      );
      const told = answers.map(({ status, body: { code } }) => ({ status, code }));
      expect(told, title).toEqual(answers.map(() => refusal));
    }
    expect(await dump(tenant.db)).toEqual(before);
  });

  test("answers an account that is not the caller's like one that never was", async () => {
    const { other, positions, secondAccount } = shared;
    const { path, ...valid } = await wellFormed(operation);
    const strange = [other.accountId, "x", "' or 1=1 --"];
    const people = positions.filter(({ kind, role }) => kind === "user" && role === "ADMIN");
    for (const { title, person, tenantRole } of people) {
      const ask = async (account: string) => {
        const headers = { ...valid.headers, "account-id": account };
        return comparable(await person.call(path, { ...valid, headers }), path);
      };
      const nobodys = await ask(newId("account"));
      expect(nobodys, title).toMatchObject({ status: 403, problem: { code: "account_forbidden" } });
      for (const account of tenantRole === "member" ? [...strange, secondAccount] : strange)
        expect(await ask(account), title).toEqual(nobodys);
    }
  });
});

const ofOperators = operations.filter((operation) => operation["x-plane"] === "operator");

describe.each(named(ofOperators))("%s", (_, operation) => {
  test("is for those alone who have the claim and the registry's word for it", async () => {
    const { tenant } = shared;
    const others: [string, Pick<Person, "call">, string][] = [
      ["nobody", naming(newPerson(), { authorization: undefined }), "401 unauthenticated"],
      [
        "a bad token",
        naming(newPerson(), { authorization: "Bearer a.b.c" }),
        "401 unauthenticated",
      ],
      ["a key of every scope", await keyOf(tenant.owner), "401 unauthenticated"],
      ["a tenant's owner", tenant.owner, "403 forbidden"],
      ["the claim alone", await newPlatformAdmin({ row: false }), "403 forbidden"],
      ["the row alone", await newPlatformAdmin({ claim: false }), "403 forbidden"],
    ];
    for (const [title, person, refusal] of others) {
      const { path, ...call } = await wellFormed(operation);
      const { status, body } = await person.call(path, call);
      expect(`${status} ${body["code"]}`, title).toBe(refusal);
      cells++;
    }
  });
});

describe.each(named(withIds))("%s", (_, operation) => {
  test("answers an id of another tenant like an id of nobody, and leaves it alone", async () => {
    const { tenant, other } = shared;
    const { path: nobodysPath, ...valid } = await wellFormed(operation);
    const ask = async (path: string) => comparable(await tenant.owner.call(path, valid), path);
    const theirs = await realPath(operation, other.owner);
    const before = await dump(other.db);
    const nobodys = await ask(nobodysPath);
    expect(nobodys).toMatchObject({ status: 404, problem: { code: "not_found" } });
    expect(await ask(theirs)).toEqual(nobodys);
    expect(await dump(other.db)).toEqual(before);
  });
});
