import { randomBytes, randomUUID } from "node:crypto";
import { createNamespace, mintToken, type Sqld } from "../../scripts/stack/sqld.ts";
import { askSqldAdmin } from "./sqld-admin.ts";
import {
  bytesOf,
  describeDatabase,
  secondsOf,
  type TursoCall,
  type TursoDatabase,
} from "./turso-contract.ts";

export type Answer = { status: number; body?: unknown; headers?: Record<string, string> };
type Server = Pick<Sqld, "url" | "adminUrl" | "adminKey" | "jwtKey">;
type Of<O extends TursoCall["operation"]> = Extract<TursoCall, { operation: O }>;
export type TursoOptions = {
  readonly duplicateStatus?: 400 | 409;
  /** How many databases a page of the list holds; all of them without it. */
  readonly pageSize?: number;
};

/** The databases of an organization, each in a namespace of sqld's, and what the API answers for them. */
export function createTursoDatabases(
  sqld: Server,
  organization: string,
  groups: readonly string[],
  { duplicateStatus = 409, pageSize = Number.POSITIVE_INFINITY }: TursoOptions,
) {
  const databases = new Map<string, TursoDatabase>();
  const moments: { of: string; at: number; namespace: string }[] = [];
  const making = new Map<string, Promise<unknown>>();
  /** What opens a database, by what was handed out for it. */
  const tokens = new Map<string, { name: string; jwt: string }>();

  const admin = async (method: "GET" | "POST" | "DELETE", path: string, body?: object) => {
    const reply = await askSqldAdmin(sqld, method, path, body);
    if (reply.status !== 200) throw new Error(`sqld answers ${reply.status} to ${method} ${path}`);
    return reply.body;
  };
  const blocksOf = async (name: string) => {
    const config = await admin("GET", `${name}/config`);
    return { reads: config["block_reads"] === true, writes: config["block_writes"] === true };
  };
  const described = async (database: TursoDatabase) =>
    describeDatabase(database, await blocksOf(database.name));

  /** Its namespace is there already. */
  function enter(name: string, group: string, parent: string | null): TursoDatabase {
    // Hosts on AWS carry a region: an address put together from names would be wrong.
    const hostname = `${name}-${organization}.aws-eu-west-1.turso.io`;
    const database = { name, group, hostname, deleteProtection: false, parent };
    databases.set(name, database);
    return database;
  }

  async function create({ body }: Of<"createDatabase">): Promise<Answer> {
    const { name, group, seed } = body;
    await making.get(name);
    if (!groups.includes(group)) return refused(400, "group not found");
    if (databases.has(name)) return duplicate(name);
    if (seed && !databases.has(seed.name)) return unknown(seed.name);
    const source = seed && sourceOf(seed.name, seed.timestamp);
    if (seed && !source) return refused(400, "there is no recovery point at or before this");
    const made = make(body, source);
    making.set(name, made);
    const { Name, DbId, Hostname } = await described(await made);
    return { status: 200, body: { database: { Name, DbId, Hostname } } };
  }

  const duplicate = (name: string) =>
    duplicateStatus === 409
      ? refused(409, `database with name ${name} already exists`)
      : refused(400, "database with same name already exists");

  async function make(
    { name, group, seed, size_limit }: Of<"createDatabase">["body"],
    source: string | undefined,
  ): Promise<TursoDatabase> {
    // A copy in sqld has its original's blocks. Of Turso nobody says.
    if (source) await admin("POST", `${source}/fork/${name}`);
    else await createNamespace(sqld, name);
    if (size_limit) await limit(name, size_limit);
    return enter(name, group, seed?.name ?? null);
  }

  const limit = async (name: string, size: string) => {
    const { reads, writes } = await blocksOf(name);
    const blocks = { block_reads: reads, block_writes: writes };
    await admin("POST", `${name}/config`, { ...blocks, max_db_size: bytesOf(size) });
  };

  function sourceOf(name: string, timestamp: string | undefined): string | undefined {
    if (timestamp === undefined) return name;
    const until = Date.parse(timestamp);
    return moments.findLast(({ of, at }) => of === name && at <= until)?.namespace;
  }

  async function list({ query }: Of<"listDatabases">): Promise<Answer> {
    const found = [...databases.values()].filter(({ group }) => group === query["group"]);
    const from = Number(query["cursor"] ?? 0);
    const page = await Promise.all(found.slice(from, from + pageSize).map(described));
    const next = from + pageSize;
    const pages = next < found.length ? { pagination: { next: String(next) } } : {};
    return { status: 200, body: { databases: page, ...pages } };
  }

  async function configure(
    database: TursoDatabase,
    { body }: Of<"updateDatabaseConfiguration">,
  ): Promise<Answer> {
    const { name } = database;
    const before = await blocksOf(name);
    const { block_reads = before.reads, block_writes = before.writes } = body;
    const { delete_protection = database.deleteProtection, size_limit } = body;
    const max = size_limit ? { max_db_size: bytesOf(size_limit) } : {};
    await admin("POST", `${name}/config`, { block_reads, block_writes, ...max });
    databases.set(name, { ...database, deleteProtection: delete_protection });
    const rules = { block_reads, block_writes, delete_protection, allow_attach: false };
    return { status: 200, body: { size_limit: size_limit ?? "0", ...rules } };
  }

  async function remove({ name, deleteProtection }: TursoDatabase): Promise<Answer> {
    if (deleteProtection) return refused(403, "database is protected against deletion");
    await admin("DELETE", name);
    databases.delete(name);
    endTokens(name);
    return { status: 200, body: { database: name } };
  }

  async function mint(name: string, { query }: Of<"createDatabaseToken">): Promise<Answer> {
    const seconds = secondsOf(query["expiration"]);
    if (!seconds) return refused(400, "Invalid expiration format");
    const jwt = await mintToken(sqld, name, seconds);
    // No two alike, so that a new one outlives the end of those before it.
    const token = `${jwt}${randomBytes(8).toString("hex")}`;
    tokens.set(token, { name, jwt });
    return { status: 200, body: { jwt: token } };
  }

  function endTokens(name: string): Answer {
    for (const [token, opens] of tokens) if (opens.name === name) tokens.delete(token);
    return { status: 200, body: "" };
  }

  async function usage(name: string): Promise<Answer> {
    const stats = await admin("GET", `${name}/stats`);
    const total = {
      rows_read: stats["rows_read_count"],
      rows_written: stats["rows_written_count"],
      storage_bytes: stats["storage_bytes_used"],
      bytes_synced: 0,
    };
    const uuid = "cd831986-94e5-11ee-a6fe-7a52e1f7759a";
    const instances = [{ uuid, usage: total }];
    return { status: 200, body: { database: { uuid, instances, total } } };
  }

  return {
    databases,
    /** What opens the database in the place of a token that was handed out for it and not ended. */
    keyOf: (name: string, token: string) => {
      const opens = tokens.get(token);
      return opens?.name === name ? opens.jwt : undefined;
    },

    /** Makes a database past the product. */
    async place(name: string, group: string): Promise<TursoDatabase> {
      await createNamespace(sqld, name);
      return enter(name, group, null);
    },

    /** A copy as of a moment holds what was there when this was last called before it. */
    async keepMoment(of: string): Promise<void> {
      const namespace = `moment-${randomUUID()}`;
      await admin("POST", `${of}/fork/${namespace}`);
      // Moments are asked for by the second.
      moments.push({ of, at: Math.floor(Date.now() / 1000) * 1000, namespace });
    },

    async answer(call: TursoCall): Promise<Answer> {
      if (call.operation === "createDatabase") return await create(call);
      if (call.operation === "listDatabases") return await list(call);
      const database = databases.get(call.name);
      if (!database) return unknown(call.name);
      switch (call.operation) {
        case "getDatabase":
          return { status: 200, body: { database: await described(database) } };
        case "updateDatabaseConfiguration":
          return await configure(database, call);
        case "createDatabaseToken":
          return await mint(call.name, call);
        case "invalidateDatabaseTokens":
          return endTokens(call.name);
        case "getDatabaseUsage":
          return await usage(call.name);
        case "deleteDatabase":
          return await remove(database);
      }
    },
  };
}

const refused = (status: number, error: string): Answer => ({ status, body: { error } });
const unknown = (name: string) =>
  refused(404, `could not find database with name ${name}: record not found`);
