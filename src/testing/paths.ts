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

async function realId(collection: string, name: string, owner: Person): Promise<string> {
  const { document, operations } = await servedContract();
  const body = operationAt(operations, "POST", collection)?.requestBody?.content["application/json"]
    ?.schema;
  type Row = Record<string, string>;
  const made =
    body &&
    (await owner.call<Row>(collection, {
      method: "POST",
      body: sample(document.components.schemas, body),
    }));
  const row =
    made && made.status < 300
      ? made.body
      : (await owner.call<{ data?: Row[] }>(collection)).body.data?.[0];
  const id = row?.[name] ?? row?.["id"];
  if (id === undefined) throw new Error(`There is no ${name} to be had from ${collection}`);
  return id;
}
