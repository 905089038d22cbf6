import { importPKCS8, SignJWT } from "jose";
import { z } from "zod";
import { ApiError } from "../core/error.ts";
import { Secret } from "../core/secret.ts";
import { parseReply } from "../remote/ask.ts";
import {
  assertDatabaseName,
  assertRegion,
  copyMs,
  type DatabaseRules,
  type NewDatabase,
  type Platform,
} from "./platform.ts";
import { isDuplicate, isMissing, type SqldAdminSettings, sqldAdmin } from "./sqld-admin.ts";

export type SqldSettings = SqldAdminSettings & {
  readonly url: string;
  /** Ed25519 private key, PKCS #8 in base64, whose public half sqld was started with. */
  readonly jwtKey: Secret;
  readonly tokenDays: number;
  /** For one method of the port as a whole, copies aside. */
  readonly timeoutMs: number;
};

const bytes = z.number().nonnegative();
const Stats = z.object({
  storage_bytes_used: bytes,
  rows_read_count: bytes,
  rows_written_count: bytes,
});
const Config = z.looseObject({
  block_reads: z.boolean(),
  block_writes: z.boolean(),
  block_reason: z.string().nullish(),
});
type Config = z.infer<typeof Config>;

/** A self-hosted sqld: one address, a namespace per database, tokens we sign ourselves. */
export function sqldPlatform(settings: SqldSettings): Platform {
  const admin = sqldAdmin(settings);
  const regions: readonly string[] = [];
  const soon = () => Date.now() + settings.timeoutMs;

  async function findConfig(name: string, deadline: number): Promise<Config | undefined> {
    const reply = await admin.ask(name, "/config", { method: "GET", deadline });
    if (isMissing(reply)) return undefined;
    if (reply.status !== 200) throw admin.refusal(reply);
    return parseReply(admin.door, Config, reply);
  }

  async function configure(name: string, rules: DatabaseRules, deadline: number): Promise<void> {
    const reply = await admin.ask(name, "/config", { method: "GET", deadline });
    if (reply.status !== 200) throw admin.refusal(reply);
    const body = merged(parseReply(admin.door, Config, reply), rules);
    const written = await admin.ask(name, "/config", { method: "POST", body, deadline });
    if (written.status !== 200) throw admin.refusal(written);
  }

  /** sqld does not say what a database is a copy of: whoever goes on with an adopted one looks into it. */
  async function copy(original: string, { name, maxBytes }: NewDatabase): Promise<void> {
    assertDatabaseName(name);
    const deadline = Date.now() + copyMs;
    const reply = await admin.askOnce(original, `/fork/${name}`, { method: "POST", deadline });
    if (reply.status !== 200 && !isDuplicate(reply)) throw admin.refusal(reply);
    const rules = { blockReads: false, blockWrites: false, ...(maxBytes ? { maxBytes } : {}) };
    await configure(name, rules, soon());
  }

  return {
    kind: "sqld",
    pointInTime: false,
    regions,

    async ensureDatabase(database) {
      const { name, region, maxBytes, copyOf } = database;
      assertRegion({ regions }, region);
      // Asked for one, sqld fails and leaves a namespace that is neither there nor free.
      if (copyOf?.at !== undefined) throw noPast();
      if (copyOf) await copy(copyOf.name, database);
      else {
        const body = maxBytes ? { max_db_size: maxBytes } : {};
        const asking = { method: "POST", body, deadline: soon() } as const;
        const reply = await admin.askOnce(name, "/create", asking);
        if (reply.status !== 200 && !isDuplicate(reply)) throw admin.refusal(reply);
      }
      return null;
    },

    async findDatabase(name) {
      return (await findConfig(name, soon())) && { host: null, region: null };
    },

    listDatabases: () => undefined,

    async mintToken(name) {
      assertDatabaseName(name);
      const expiresAt = Date.now() + settings.tokenDays * 86_400_000;
      const pem = `-----BEGIN PRIVATE KEY-----\n${settings.jwtKey.reveal()}\n-----END PRIVATE KEY-----`;
      const key = await importPKCS8(pem, "EdDSA");
      // Without `p` the token would open every database there is.
      const token = await new SignJWT({ p: { rw: { ns: [name] } } })
        .setProtectedHeader({ alg: "EdDSA" })
        .setExpirationTime(Math.floor(expiresAt / 1000))
        .sign(key);
      return { token: new Secret(token), expiresAt };
    },

    endTokens: async () => false,

    async configure(name, rules) {
      await configure(name, rules, soon());
    },

    async usageOf(name) {
      const reply = await admin.ask(name, "/stats", { method: "GET", deadline: soon() });
      if (reply.status !== 200) throw admin.refusal(reply);
      const stats = parseReply(admin.door, Stats, reply);
      return {
        storageBytes: stats.storage_bytes_used,
        rowsRead: stats.rows_read_count,
        rowsWritten: stats.rows_written_count,
      };
    },

    async deleteDatabase(name) {
      const reply = await admin.ask(name, "", { method: "DELETE", deadline: soon() });
      if (reply.status !== 200 && !isMissing(reply)) throw admin.refusal(reply);
    },

    locate: (name) => ({ url: settings.url, namespace: name }),
  };
}

/** sqld resets what it is not told, but for the size, which it tells rounded. */
function merged({ max_db_size: _, ...config }: Config, rules: DatabaseRules): object {
  const { blockReads = config.block_reads, blockWrites = config.block_writes, maxBytes } = rules;
  const reason = rules.blockReason ?? config.block_reason ?? null;
  return {
    ...config,
    block_reads: blockReads,
    block_writes: blockWrites,
    block_reason: blockReads || blockWrites ? reason : null,
    ...(maxBytes ? { max_db_size: maxBytes } : {}),
  };
}

const noPast = () =>
  new ApiError(
    "conflict",
    "This deployment keeps no earlier states of a database: only what it is now can be copied",
  );
