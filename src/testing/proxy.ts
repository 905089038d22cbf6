import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, type Server, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import {
  createDisturbances,
  type Disturbance,
  type Disturbed,
  type Passage,
  type Reply,
} from "./disturbance.ts";

export type { Disturbance, Disturbed, Passage };

export type DatabaseProxy = {
  /** For `startWorker`, over the settings of the stack: both doors lead through here. */
  readonly settings: Record<"SQLD_URL" | "GLOBAL_DATABASE_URL" | "SQLD_ADMIN_URL", string>;
  /** Every request that arrived, in order, disturbed or not. */
  readonly passages: readonly Passage[];
  /**
   * How many requests `work` makes, in all and per database, but for what is noted beside the request.
   * Meant for a Worker nobody else uses.
   */
  counted<T>(
    work: () => Promise<T>,
  ): Promise<{ result: T; total: number; by: Record<string, number> }>;
  /** Of several that match, the newest counts. */
  disturb(disturbance: Disturbance): Disturbed;
  stop(): Promise<void>;
};

/**
 * Stands between a Worker and sqld, on free ports: sees every round trip and can hold, delay, cut or
 * answer it, before the server works or after.
 *
 *     const proxy = await startProxy(stack.settings);
 *     const worker = await startWorker({ bundle, settings: { ...stack.settings, ...proxy.settings } });
 *     const outage = proxy.disturb({ of: ({ namespace }) => namespace === "registry", at: "request", by: "hold" });
 *     ...
 *     outage.lift();
 *     await worker.stop();
 *     await proxy.stop();
 */
export async function startProxy(settings: Record<string, string>): Promise<DatabaseProxy> {
  const passages: Passage[] = [];
  const { disturb, suffer } = createDisturbances();
  // Without kept connections: one that dies while idle would be a fault nobody asked for.
  const agent = new Agent({ keepAlive: false });

  async function pass(
    door: Passage["door"],
    upstream: string,
    request: IncomingMessage,
    gone: Promise<unknown>,
  ): Promise<Reply | undefined> {
    const passage = {
      door,
      method: request.method ?? "",
      path: request.url ?? "",
      namespace: namespaceOf(request, door),
      body: await text(request),
    };
    passages.push(passage);
    const before = await suffer(passage, "request", gone);
    if (before === "cut" || request.socket.destroyed) return undefined;
    if (before) return { status: 200, headers: {}, body: "", ...before };
    const reply = await forward(agent, `${upstream}${passage.path}`, request, passage.body);
    const after = await suffer(passage, "reply", gone);
    return after === "cut" ? undefined : { ...reply, ...after };
  }

  const open = async (door: Passage["door"], upstream: string): Promise<Server> => {
    const server = createServer((request, response) => {
      const gone = new Promise((resolve) => response.once("close", resolve));
      pass(door, upstream.replace(/\/$/, ""), request, gone)
        .then(async (reply) => {
          if (!reply) return request.socket.destroy();
          const half = reply.rest ? reply.body.length / 2 : 0;
          response.writeHead(reply.status, framed(reply)).write(reply.body.slice(0, half));
          await reply.rest;
          return response.end(reply.body.slice(half));
        })
        .catch(() => request.socket.destroy());
    });
    server.keepAliveTimeout = 60_000;
    await once(server.listen(0, "127.0.0.1"), "listening");
    return server;
  };
  const [data, admin] = await Promise.all([
    open("data", settings["SQLD_URL"] ?? ""),
    open("admin", settings["SQLD_ADMIN_URL"] ?? ""),
  ]);

  return {
    settings: {
      SQLD_URL: urlOf(data),
      GLOBAL_DATABASE_URL: urlOf(data),
      SQLD_ADMIN_URL: urlOf(admin),
    },
    passages,
    async counted(work) {
      const from = passages.length;
      const result = await work();
      const by: Record<string, number> = {};
      const made = passages.slice(from).filter((passage) => !isBeside(passage));
      for (const { namespace = "" } of made) by[namespace] = (by[namespace] ?? 0) + 1;
      return { result, total: made.length, by };
    },
    disturb,
    async stop() {
      for (const server of [data, admin]) {
        server.close();
        server.closeAllConnections();
      }
      agent.destroy();
    },
  };
}

/** What a Worker writes without keeping the client waiting: who was seen, and who was refused. */
export const isBeside = ({ body }: Pick<Passage, "body">): boolean =>
  /last_seen_at = excluded|set last_used_at/.test(body) ||
  (body.includes("insert into audit_entries") && body.includes('"DENY"'));

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function namespaceOf({ headers, url }: IncomingMessage, door: Passage["door"]): string | undefined {
  if (door === "admin") return /^\/v1\/namespaces\/([^/]+)/.exec(url ?? "")?.[1];
  const name = headers["x-namespace-bin"];
  return typeof name === "string" ? Buffer.from(name, "base64").toString() : undefined;
}

async function forward(agent: Agent, url: string, from: IncomingMessage, body: string) {
  const { host: _, "transfer-encoding": __, ...headers } = from.headers;
  const sent = { ...headers, "content-length": Buffer.byteLength(body) };
  const request = send(url, { method: from.method, headers: sent, agent }).end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: await text(response),
  };
}

/** The length of what is really sent. */
function framed({ headers, body }: Reply) {
  const { "transfer-encoding": _, connection: __, ...rest } = headers;
  return { ...rest, "content-length": Buffer.byteLength(body) };
}
