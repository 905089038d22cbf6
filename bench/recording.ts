import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { isBeside } from "../src/testing/proxy.ts";

/** A request to the database server as the product sent it. */
export type Recorded = {
  readonly path: string;
  readonly headers: { readonly authorization: string; readonly "x-namespace-bin": string };
  readonly body: string;
};

/** Stands between a Worker and the database server, and writes down what passes for a client who waits. */
export async function startRecorder(target: string) {
  const recorded: Recorded[] = [];
  const server = createServer(async (request, response) => {
    const { url: path = "/", headers: sent } = request;
    const headers = {
      authorization: sent.authorization ?? "",
      "x-namespace-bin": String(sent["x-namespace-bin"]),
    };
    const body = await textOf(request);
    if (!isBeside({ body })) recorded.push({ path, headers, body });
    const answer = await fetch(`${target}${path}`, { method: "POST", headers, body });
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(await answer.text());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
    /** The one request since the last time somebody asked. */
    take(): Recorded {
      const [only, ...others] = recorded.splice(0);
      if (!only || others.length > 0)
        throw new Error(`Expected one round trip and saw ${others.length + (only ? 1 : 0)}`);
      return only;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

type Pipeline = { requests: { type: string; sql_id?: number; sql?: string }[] };

/**
 * The same statements in the same transaction, each with its SQL in place: whichever client the
 * product uses to send them, the floor sends them the shortest way.
 */
export function inlined(body: string): string {
  const { requests } = JSON.parse(body) as Pipeline;
  const stored = new Map(requests.map(({ sql_id, sql }) => [sql_id, sql]));
  const inline = (_key: string, value: unknown) => {
    if (typeof value !== "object" || value === null || !("sql_id" in value)) return value;
    const { sql_id, ...statement } = value as { sql_id: number };
    return { sql: stored.get(sql_id), ...statement };
  };
  const kept = requests.filter(({ type }) => type !== "store_sql");
  return JSON.stringify({ requests: kept }, inline);
}
