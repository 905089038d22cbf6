import { beforeAll, describe, expect, test } from "vitest";
import { newId } from "./core/id.ts";
import type { Answer, Call } from "./testing/client.ts";
import { type Operation, servedContract } from "./testing/contract.ts";
import { dump } from "./testing/dump.ts";
import { type House, newHouse, refusalOf } from "./testing/house.ts";
import { randomPath, realPath } from "./testing/paths.ts";
import { headersOf, oddBodies, sample } from "./testing/sample.ts";

const { document, operations } = await servedContract();
const named = (chosen: Operation[]) =>
  chosen.map((operation) => [`${operation.method} ${operation.path}`, operation] as const);
const inTenants = operations.filter((operation) => operation["x-plane"] === "tenant");
const withIds = inTenants.filter(({ path }) => path.includes("{"));

let house: House;
beforeAll(async () => {
  house = await newHouse();
});

const { schemas } = document.components;
const schemaOf = ({ requestBody }: Operation) => requestBody?.content["application/json"]?.schema;

function bodyOf(operation: Operation): unknown {
  const schema = schemaOf(operation);
  return schema && sample(schemas, schema);
}

/** The request as it should be, and every way to get it wrong. */
async function attempts(operation: Operation): Promise<(Call & { path: string })[]> {
  const { method, parameters } = operation;
  const path = await randomPath(operation);
  const query = parameters
    .filter((parameter) => parameter.in === "query")
    .map(({ name }) => `${name}=%00'--&${name}=-1`);
  const valid = { method, headers: headersOf(operation), body: bodyOf(operation) };
  const odd = method === "GET" ? [] : oddBodies(schemas, schemaOf(operation) ?? { type: "object" });
  return [
    { ...valid, path },
    { ...valid, path: operation.path.replaceAll(/\{\w+\}/g, "..%2f%00") },
    { ...valid, path: `${path}?${query.join("&")}` },
    { ...valid, path, headers: { "if-match": "nonsense", accept: "text/html" } },
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
  const headers = headersOf(operation);
  // What deletes and names nothing ends the caller themselves, or what they are in.
  const endsCaller = method === "DELETE" && !operation.path.includes("{");

  test("refuses who it is not open to, whatever they send, and changes nothing", async () => {
    const { tenant, positions, outsiders } = house;
    const refused = positions.flatMap((position) => {
      const refusal = refusalOf(access, position);
      return refusal ? [{ ...position, refusal }] : [];
    });
    const requests = await attempts(operation);
    const before = await dump(tenant.db);
    for (const { title, person, refusal } of [...outsiders, ...refused]) {
      const answers = await Promise.all(
        requests.map(({ path, ...call }) => person.call(path, call)),
      );
      const told = answers.map(({ status, body: { code } }) => ({ status, code }));
      expect(told, title).toEqual(answers.map(() => refusal));
    }
    expect(await dump(tenant.db)).toEqual(before);
  });

  test("is open to everyone it names", async () => {
    const { positions } = endsCaller ? await newHouse() : house;
    const open = positions.filter((position) => !refusalOf(access, position));
    for (const { title, person } of open) {
      const call = { method, headers, body: bodyOf(operation) };
      const { status } = await person.call(await randomPath(operation), call);
      expect([200, 201, 202, 204, 404, 409, 412], title).toContain(status);
    }
    expect(open.map(({ title }) => title)).toContain("owner");
  });

  test("answers an account that is not the caller's like one that never was", async () => {
    const { other, positions, secondAccount } = house;
    const path = await randomPath(operation);
    const strange = [other.accountId, "x", "' or 1=1 --"];
    for (const { title, person, tenantRole } of positions.filter(({ role }) => role === "ADMIN")) {
      const ask = async (account: string) => {
        const naming = { ...headers, "account-id": account };
        const call = { method, body: bodyOf(operation), headers: naming };
        return comparable(await person.call(path, call), path);
      };
      const nobodys = await ask(newId("account"));
      expect(nobodys, title).toMatchObject({ status: 403, problem: { code: "account_forbidden" } });
      for (const account of tenantRole === "member" ? [...strange, secondAccount] : strange)
        expect(await ask(account), title).toEqual(nobodys);
    }
  });
});

describe.each(named(withIds))("%s", (_, operation) => {
  test("answers an id of another tenant like an id of nobody, and leaves it alone", async () => {
    const { tenant, other } = house;
    const ask = async (path: string) => {
      const headers = headersOf(operation);
      const call = { method: operation.method, headers, body: bodyOf(operation) };
      return comparable(await tenant.owner.call(path, call), path);
    };
    const theirs = await realPath(operation, other.owner);
    const before = await dump(other.db);
    const nobodys = await ask(await randomPath(operation));
    expect(nobodys).toMatchObject({ status: 404, problem: { code: "not_found" } });
    expect(await ask(theirs)).toEqual(nobodys);
    expect(await dump(other.db)).toEqual(before);
  });
});
