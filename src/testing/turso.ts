import { randomBytes } from "node:crypto";
import { readCall, type TursoCall, type TursoOperation } from "./turso-contract.ts";
import { type Answer, createTursoDatabases, type TursoOptions } from "./turso-databases.ts";

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
type Options = TursoOptions & {
  /** For how long after its first request a database is said not to exist. */
  readonly unknownForMs?: number;
  /** The group of each region; one group and no regions without it. */
  readonly regions?: Record<string, string>;
};

const organization = "acme-inc";
const api = "https://api.turso.tech";
const bare = (namespace: string) => btoa(namespace).replace(/=+$/, "");

/**
 * Turso by its published contract, over namespaces of the stack's sqld. Its `fetch` answers for the
 * API and for the databases made there and lets the registry and the identity provider through.
 * Everything else, and every breach of the contract, is a violation, and those must stay none.
 */
export function createTurso(
  stack: Record<string, string>,
  { unknownForMs = 0, regions, ...options }: Options = {},
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
  const groups = Object.values(regions ?? { only: "tenants" });
  const [group = ""] = groups;
  const turso = createTursoDatabases(sqld, organization, groups, options);
  const { databases, answer } = turso;
  const calls: (TursoCall & { readonly at: number })[] = [];
  const violations: string[] = [];
  const troubles: { trouble: Trouble; left: number }[] = [];
  const firstAsked = new Map<string, number>();
  let unknownAnswers = 0;

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
    calls.push({ ...call, at: Date.now() });
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

  async function serveDatabase(request: Request, name: string): Promise<Response> {
    const first = firstAsked.get(name) ?? Date.now();
    firstAsked.set(name, first);
    if (Date.now() - first < unknownForMs) {
      unknownAnswers++;
      return asResponse({ status: 404, body: { error: `Namespace ${name} doesn't exist` } });
    }
    const { method, signal } = request;
    const headers = new Headers(request.headers);
    const token = headers.get("authorization")?.replace("Bearer ", "") ?? "";
    const key = turso.keyOf(name, token);
    if (!key) return asResponse({ status: 401, body: { error: "Unauthorized" } });
    headers.set("authorization", `Bearer ${key}`);
    headers.set("x-namespace-bin", bare(name));
    const url = sqld.url + new URL(request.url).pathname;
    return await fetch(url, { method, headers, body: await request.text(), signal });
  }

  async function serve(request: Request): Promise<Response> {
    const { origin } = new URL(request.url);
    if (origin === api) return await serveApi(request);
    const database = [...databases.values()].find((one) => origin === `https://${one.hostname}`);
    if (database) return await serveDatabase(request, database.name);
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
      ...(regions ? { TURSO_GROUPS: pairs(regions) } : { TURSO_GROUP: group }),
    },
    place: turso.place,
    keepMoment: turso.keepMoment,
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
      // A request's own signal may be collected as garbage while nobody but it waits.
      const signal = init?.signal ?? request.signal;
      return await Promise.race([serve(request), aborted({ signal })]);
    }) as typeof fetch,
  };
}
export type Turso = ReturnType<typeof createTurso>;

const pairs = (regions: Record<string, string>) =>
  Object.entries(regions)
    .map(([region, group]) => `${region}:${group}`)
    .join(", ");

const asResponse = ({ status, body = {}, headers = {} }: Answer) =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });

const brokenLine = (reason: string) => new TypeError("fetch failed", { cause: new Error(reason) });
const sleep = (ms: number) => new Promise<void>((wake) => setTimeout(wake, ms));

const aborted = ({ signal }: Pick<Request, "signal">): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
