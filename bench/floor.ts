import { type Answer, call } from "../src/testing/client.ts";
import { inlined, type Recorded, startRecorder } from "./recording.ts";
import type { Tenant } from "./tenants.ts";
import type { Program } from "./workerd.ts";

export const listPath = "/api/v1/users?limit=20";
export const createPath = "/api/v1/users";

/** What the product sends to its database, by what was asked of it. */
export type Statements = { readonly list: Recorded[]; readonly create: Recorded[] };

/** Asks the product once for a list, and once for a new user in each tenant; one round trip each. */
export async function recordStatements(
  databaseUrl: string,
  startProduct: (databaseUrl: string) => Promise<Program>,
  { listed, written }: { listed: Tenant; written: readonly Tenant[] },
): Promise<Statements> {
  const recorder = await startRecorder(databaseUrl);
  const product = await startProduct(recorder.url);
  try {
    const list = await call(`${product.url}${listPath}`, { headers: listed.headers });
    const statements: Statements = { list: [replayed(list, recorder.take())], create: [] };
    for (const { headers } of written) {
      const body = { email, name: "Recorded" };
      const made = await call(`${product.url}${createPath}`, { method: "POST", headers, body });
      statements.create.push(replayed(made, recorder.take()));
    }
    return statements;
  } finally {
    await product.stop();
    await recorder.stop();
  }
}

const email = "recorded@bench.test";

/** Ready to be sent again: a new user and their invitation are others each time, by what is put for `{id}`. */
function replayed({ status, body }: Answer, recorded: Recorded): Recorded {
  if (status >= 300) throw new Error(`The product answers ${status} ${JSON.stringify(body)}`);
  const text = inlined(recorded.body);
  const { id } = body;
  if (typeof id !== "string") return { ...recorded, body: text };
  return {
    ...recorded,
    body: text
      .replaceAll(id, "usr_{id}")
      .replaceAll(email, "{id}@bench.test")
      .replaceAll(/inv_[-\da-f]{36}/g, "inv_{id}")
      .replaceAll(/"[\da-f]{64}"/g, '"{id}"'),
  };
}

/** A pipeline answers 200 also when its statements failed. */
export async function assertSameRows(product: Program, floor: Program, listed: Tenant) {
  const page = await call<{ data: { id: string }[] }>(`${product.url}${listPath}`, {
    headers: listed.headers,
  });
  const raw = JSON.stringify((await call(`${floor.url}/list`)).body);
  const ids = page.body.data.map(({ id }) => id);
  if (ids.length === 0 || !ids.every((id) => raw.includes(id)))
    throw new Error(`The floor does not read what the product shows: ${raw.slice(0, 500)}`);
}
