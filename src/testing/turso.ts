import { randomBytes } from "node:crypto";
import { createNamespace, mintToken } from "../../scripts/stack/sqld.ts";
import {
  describeDatabase,
  readCall,
  secondsOf,
  type TursoCall,
  type TursoOperation,
} from "./turso-contract.ts";

type Answer = { status: number; body?: unknown; headers?: Record<string, string> };
export type Trouble = {
  readonly with: TursoOperation;
  readonly delayMs?: number;
  /** In place of Turso's answer: the connection breaks, nothing ever comes, or this does. */
  readonly reply?: "broken" | "silence" | Answer;
  /** Whether Turso does what it was asked for all the same. */
  readonly done?: boolean;
  /** How often; for ever without it. */
  readonly times?: number;
};
type Database = { readonly name: string; readonly group: string; readonly hostname: string };
type Options = {
  readonly duplicateStatus?: 400 | 409;
  /** For how long after its first request a database is said not to exist. */
  readonly unknownForMs?: number;
};

const organization = "acme-inc";
const group = "tenants";
const api = "https://api.turso.tech";
const bare = (namespace: string) => btoa(namespace).replace(/=+$/, "");

/**
 * Turso by its published contract, over namespaces of the stack's sqld. Its `fetch` answers for the
 * API and for the databases made there and lets the registry and the identity provider through.
 * Everything else, and every breach of the contract, is a violation, and those must stay none.
 */
export function createTurso(
  stack: Record<string, string>,
  { duplicateStatus = 409, unknownForMs = 0 }: Options = {},
) {
  const setting = (key: string) => stack[key] ?? "";
  const sqld = {
    url: setting("SQLD_URL"),
    adminUrl: setting("SQLD_ADMIN_URL"),
    adminKey: setting("SQLD_ADMIN_KEY"),
    jwtKey: setting("SQLD_JWT_KEY"),
  };
  const own = [setting("GLOBAL_DATABASE_URL"), setting("JWKS_URI")].map(
    (url) => new URL(url).origin,
  );
  const registry = bare(setting("GLOBAL_DATABASE_NAMESPACE"));
  const apiToken = `turso-${randomBytes(24).toString("base64url")}`;
  const databases = new Map<string, Database>();
  const calls: { operation: TursoOperation; at: number; query: Record<string, string> }[] = [];
  const violations: string[] = [];
  const troubles: { trouble: Trouble; left: number }[] = [];
  const firstAsked = new Map<string, number>();
  let unknownAnswers = 0;

  async function place(name: string, inGroup: string): Promise<Database> {
    await createNamespace(sqld, name);
    // Hosts on AWS carry a region: an address put together from names would be wrong.
    const hostname = `${name}-${organization}.aws-eu-west-1.turso.io`;
    const database = { name, group: inGroup, hostname };
    databases.set(name, database);
    return database;
  }

  async function create(body: unknown): Promise<Answer> {
    const wanted = body as { name: string; group: string };
    if (wanted.group !== group) return { status: 400, body: { error: "group not found" } };
    if (databases.has(wanted.name)) {
      const error = `database with name ${wanted.name} already exists`;
      const seen = "database with same name already exists";
      return {
        status: duplicateStatus,
        body: { error: duplicateStatus === 409 ? error : seen },
      };
    }
    const { hostname } = await place(wanted.name, wanted.group);
    const { Name, DbId, Hostname } = describeDatabase(wanted.name, wanted.group, hostname);
    return { status: 200, body: { database: { Name, DbId, Hostname } } };
  }

  async function answer(call: TursoCall): Promise<Answer> {
    if (call.operation === "createDatabase") return await create(call.body);
    const database = databases.get(call.name);
    if (!database) {
      const error = `could not find database with name ${call.name}: record not found`;
      return { status: 404, body: { error } };
    }
    if (call.operation === "getDatabase") {
      const { name, group: inGroup, hostname } = database;
      return { status: 200, body: { database: describeDatabase(name, inGroup, hostname) } };
    }
    const seconds = secondsOf(call.query["expiration"]);
    if (!seconds) return { status: 400, body: { error: "Invalid expiration format" } };
    return { status: 200, body: { jwt: await mintToken(sqld, call.name, seconds) } };
  }

  function takeTrouble(operation: TursoOperation): Trouble | undefined {
    const found = troubles.find(({ trouble, left }) => trouble.with === operation && left > 0);
    if (found) found.left--;
    return found?.trouble;
  }

  async function serveApi(request: Request): Promise<Response> {
    const read = await readCall(request);
    if ("faults" in read) {
      violations.push(...read.faults);
      return asResponse({ status: 400, body: { error: "outside the contract" } });
    }
    const { call } = read;
    calls.push({ operation: call.operation, at: Date.now(), query: call.query });
    const known = request.headers.get("authorization") === `Bearer ${apiToken}`;
    if (!known) return asResponse({ status: 401, body: { error: "Unauthorized" } });
    if (call.organization !== organization) return asResponse({ status: 404 });
    const trouble = takeTrouble(call.operation);
    return asResponse(trouble ? await suffer(trouble, call, request) : await answer(call));
  }

  async function suffer(trouble: Trouble, call: TursoCall, request: Request): Promise<Answer> {
    const { delayMs = 0, reply, done = reply === undefined } = trouble;
    await Promise.race([sleep(delayMs), aborted(request)]);
    const usual = done ? await answer(call) : { status: 500 };
    if (reply === "silence") return await aborted(request);
    if (reply === "broken") throw brokenLine("other side closed");
    return reply ?? usual;
  }

  async function serveDatabase(request: Request, { name }: Database): Promise<Response> {
    const first = firstAsked.get(name) ?? Date.now();
    firstAsked.set(name, first);
    if (Date.now() - first < unknownForMs) {
      unknownAnswers++;
      return asResponse({ status: 404, body: { error: `Namespace ${name} doesn't exist` } });
    }
    const { method, signal } = request;
    const headers = new Headers(request.headers);
    headers.set("x-namespace-bin", bare(name));
    const url = sqld.url + new URL(request.url).pathname;
    return await fetch(url, { method, headers, body: await request.text(), signal });
  }

  async function serve(request: Request): Promise<Response> {
    const { origin } = new URL(request.url);
    if (origin === api) return await serveApi(request);
    const database = [...databases.values()].find((one) => origin === `https://${one.hostname}`);
    if (database) return await serveDatabase(request, database);
    const namespace = request.headers.get("x-namespace-bin") ?? registry;
    if (own.includes(origin) && namespace === registry) return await fetch(request);
    violations.push(`reached for ${namespace} at ${request.url}`);
    throw brokenLine("getaddrinfo ENOTFOUND");
  }

  return {
    apiToken,
    group,
    databases,
    calls,
    violations,
    /** How often a database was said not to exist. */
    unknownAnswers: () => unknownAnswers,
    /** To lay over the stack's. */
    settings: {
      PLATFORM: "turso",
      TURSO_API_TOKEN: apiToken,
      TURSO_ORGANIZATION: organization,
      TURSO_GROUP: group,
    },
    /** Makes a database past the product. */
    place,
    misbehave(...them: Trouble[]): void {
      for (const trouble of them)
        troubles.push({ trouble, left: trouble.times ?? Number.POSITIVE_INFINITY });
    },
    behave(): void {
      troubles.length = 0;
    },
    serve,
    fetch: (async (input, init) => {
      const request = new Request(input, init);
      if (request.url.startsWith(api) && !init?.signal) violations.push("a call without a timeout");
      return await serve(request);
    }) as typeof fetch,
  };
}
export type Turso = ReturnType<typeof createTurso>;

const asResponse = ({ status, body = {}, headers = {} }: Answer) =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });

const brokenLine = (reason: string) => new TypeError("fetch failed", { cause: new Error(reason) });
const sleep = (ms: number) => new Promise<void>((wake) => setTimeout(wake, ms));

const aborted = ({ signal }: Request): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
