import { type Operation, operationAt, servedContract } from "./contract.ts";
import type { Person } from "./harness.ts";
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

/** The operation's path with ids of things that exist, made or found where the path says they live. */
export async function realPath({ path }: Operation, owner: Person): Promise<string> {
  const [collection = "", name] = path.split(parameter);
  if (name === undefined) return path;
  const filled = collection + (await realId(collection.replace(/\/$/, ""), name, owner));
  const rest = path.slice(collection.length + name.length + 2);
  return await realPath({ path: filled + rest } as Operation, owner);
}

/** A body the operation takes. Where it names something of a collection, that is a thing which exists. */
export async function realBody(operation: Operation, owner: Person): Promise<unknown> {
  const { document, operations } = await servedContract();
  const schema = operation.requestBody?.content["application/json"]?.schema;
  const body = schema && sample(document.components.schemas, schema);
  if (typeof body !== "object" || body === null) return body;
  const fields = Object.entries(body).map(async ([name, value]) => {
    const collection = `/api/v1/${name.replace(/Id$/, "s")}`;
    const known = name.endsWith("Id") && operationAt(operations, "GET", collection);
    return [name, known ? await realId(collection, name, owner) : value];
  });
  return Object.fromEntries(await Promise.all(fields));
}

async function realId(collection: string, name: string, owner: Person): Promise<string> {
  const { operations } = await servedContract();
  const creation = operationAt(operations, "POST", collection);
  const body = creation && (await realBody(creation, owner));
  type Row = Record<string, string>;
  const made = body ? await owner.call<Row>(collection, { method: "POST", body }) : undefined;
  const row =
    made && made.status < 300
      ? made.body
      : (await owner.call<{ data?: Row[] }>(collection)).body.data?.[0];
  const id = row?.[name] ?? row?.["id"];
  if (id === undefined) throw new Error(`There is no ${name} to be had from ${collection}`);
  return id;
}
