import { sql } from "drizzle-orm";
import { type Operation, operationAt, servedContract } from "./contract.ts";
import { type Person, registry } from "./harness.ts";
import { rowsOf } from "./raw-sql.ts";
import { sample } from "./sample.ts";

const parameter = /\{(\w+)\}/;

/** The operation's path with ids that look right and are nobody's. */
export async function randomPath({ path, parameters }: Operation): Promise<string> {
  const { document } = await servedContract();
  return path.replaceAll(new RegExp(parameter, "g"), (_, name) => {
    const schema = parameters.find((each) => each.in === "path" && each.name === name)?.schema;
    return encodeURIComponent(String(sample(document.components.schemas, schema ?? {})));
  });
}

type Caller = Pick<Person, "call">;
/** Ids that are to be used in a collection, whatever else is there. */
type Known = Readonly<Record<string, string>>;

/** The operation's path with ids of things that exist, made or found where the path says they live. */
export async function realPath(
  { path }: Operation,
  owner: Caller,
  known: Known = {},
): Promise<string> {
  const found = await filled(path, owner, known);
  if (found === undefined) throw new Error(`Nothing is to be had for ${path}`);
  return found;
}

/** What nobody lists may be anybody's: an id that looks right will do. */
async function* anyId(name: string): AsyncGenerator<string> {
  const { document, operations } = await servedContract();
  const found = operations.flatMap(({ parameters }) => parameters).find((one) => one.name === name);
  yield encodeURIComponent(String(sample(document.components.schemas, found?.schema ?? {})));
}

/** The first that leads to the end: not everything that is there has everything below it. */
async function filled(path: string, owner: Caller, known: Known): Promise<string | undefined> {
  const [collection = "", name] = path.split(parameter);
  if (name === undefined) return path;
  const rest = path.slice(collection.length + name.length + 2);
  for await (const id of idsIn(collection.replace(/\/$/, ""), name, owner, known)) {
    const found = await filled(`${collection}${id}${rest}`, owner, known);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function* idsIn(
  collection: string,
  name: string,
  owner: Caller,
  known: Known,
): AsyncGenerator<string> {
  const given = known[collection];
  if (given) {
    yield given;
    return;
  }
  type Row = Record<string, string>;
  const idsOf = (rows: readonly Row[]) => rows.flatMap((row) => row[name] ?? row["id"] ?? []);
  const { operations } = await servedContract();
  const creation = operationAt(operations, "POST", collection);
  const body = creation && (await realBody(creation, owner));
  if (body !== undefined) {
    const made = await owner.call<Row>(collection, { method: "POST", body });
    yield* made.status < 300 ? idsOf([made.body]) : [];
  } else if (!operationAt(operations, "GET", collection)) return yield* anyId(name);
  yield* idsOf((await owner.call<{ data?: Row[] }>(collection)).body.data ?? []);
}

/** A body the operation takes. Where it names something of a collection, that is a thing which exists. */
export async function realBody(operation: Operation, owner: Caller): Promise<unknown> {
  const { document, operations } = await servedContract();
  const schema = operation.requestBody?.content["application/json"]?.schema;
  const body = schema && sample(document.components.schemas, schema);
  if (typeof body !== "object" || body === null) return body;
  const fields = Object.entries(body).map(async ([name, value]) => {
    const collection = `/api/v1/${name.replace(/Id$/, "s")}`;
    const known = name.endsWith("Id") && operationAt(operations, "GET", collection);
    return [name, known ? (await idsIn(collection, name, owner, {}).next()).value : value];
  });
  return Object.fromEntries(await Promise.all(fields));
}

/** What no made-up request can satisfy, and what it is answered. */
export const unmet: Readonly<Record<string, string>> = {
  resumeMigration: "409 conflict",
  cancelMigration: "409 conflict",
  getOperation: "404 not_found",
  hastenOperation: "409 conflict",
  giveUpOperation: "409 conflict",
  moveTenant: "400 invalid_request",
  restoreTenant: "404 not_found",
  undoRestoration: "409 conflict",
  restoreTenantAsOperator: "404 not_found",
  undoRestorationAsOperator: "409 conflict",
  acceptInvitation: "404 not_found",
  scheduleTenantDeletion: "400 invalid_request",
  inviteFirstOwner: "409 conflict",
  linkMyIdentity: "400 invalid_request",
  blockIdentity: "409 identity_management_off",
  unblockIdentity: "409 identity_management_off",
  unlinkMyIdentity: "409 last_identity",
  unlinkUserIdentity: "409 last_identity",
};

/** What an operator's path is to name: the tenant at hand, and the operation that set it up. */
export async function knownOf({ id }: { id: string }): Promise<Known> {
  const made = sql`select id from operations where tenant_id = ${id}`;
  const [operation] = await rowsOf<{ id: string }>(registry, made);
  return { "/api/v1/admin/tenants": id, "/api/v1/admin/operations": operation?.id ?? "" };
}

/** What is to be brought back has to be gone. */
export async function prepare(path: string, owner: Caller): Promise<void> {
  const [gone] = /^.*(?=\/restoration$)/.exec(path) ?? [];
  if (gone) await owner.call(gone, { method: "DELETE", headers: { "if-match": "*" } });
}
