import { z } from "zod";
import { unavailable } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";
import {
  asFailure,
  askPatiently,
  causeOf,
  type Door,
  type Misconfiguration,
  parseReply,
  type Question,
  type Reply,
} from "../remote/ask.ts";
import { assertDatabaseName, noSuchDatabase } from "./platform.ts";

export type TursoApiSettings = {
  readonly apiUrl: string;
  readonly apiToken: Secret;
  readonly organization: string;
  readonly fetch: typeof fetch;
};

/** A plain name: a port, user or path here would send a tenant's token to somebody else. */
export const hostPattern = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+turso\.io$/;
const Hostname = z.string().regex(hostPattern);
export const Created = z.object({ database: z.object({ Hostname }) });
const Existing = z.object({
  database: z.object({
    Hostname,
    group: z.string(),
    block_reads: z.boolean().optional(),
    block_writes: z.boolean().optional(),
    delete_protection: z.boolean().optional(),
    parent: z.object({ name: z.string() }).nullish(),
  }),
});
export type TursoDatabase = z.infer<typeof Existing>["database"];
/** Not all in the group need be ours, so that no host is judged here. */
const Listed = z.object({
  databases: z.array(z.object({ Name: z.string(), Hostname: z.string() })),
  pagination: z.object({ next: z.string().nullish() }).nullish(),
});
export const Minted = z.object({ jwt: z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/) });
const count = z.number().nonnegative();
export const Used = z.object({
  database: z.object({
    total: z.object({ rows_read: count, rows_written: count, storage_bytes: count }),
  }),
});

type Asking = Omit<Question, "path"> & { readonly deadline: number };

/** The databases of one organization, by Turso's Platform API. */
export function tursoApi({ organization, apiUrl: url, apiToken: secret, fetch }: TursoApiSettings) {
  const key = { scheme: "Bearer", secret } as const;
  const door: Door = { name: "The database platform", url, fetch, key };
  const databases = `/v1/organizations/${organization}/databases`;

  const refusal = (reply: Reply) =>
    isMissing(reply) ? noSuchDatabase(causeOf(reply)) : asFailure(door, reply, misconfigurations);
  const expectDone = (reply: Reply): Reply => {
    if (reply.status !== 200) throw refusal(reply);
    return reply;
  };
  const askAll = async (query: string, { deadline, ...question }: Asking) =>
    await askPatiently(door, { ...question, path: `${databases}${query}` }, deadline);
  const askOf = async (name: string, what: string, asking: Asking) => {
    assertDatabaseName(name);
    return await askAll(`/${name}${what}`, asking);
  };
  const askPage = async (group: string, cursor: string, deadline: number) => {
    const query = new URLSearchParams({ group, ...(cursor ? { cursor } : {}) });
    const reply = await askAll(`?${query}`, { method: "GET", deadline });
    return parseReply(door, Listed, expectDone(reply));
  };

  return {
    askAll,
    askOf,
    expectDone,
    refusal,
    read: <T>(schema: z.ZodType<T>, reply: Reply): T => parseReply(door, schema, expectDone(reply)),

    /** Turso tells of no pages; its own command line knows them. */
    async *listGroup(group: string, soon: () => number) {
      const asked = new Set<string>();
      for (let next: string | undefined = ""; next !== undefined; ) {
        if (asked.has(next)) throw unavailable("The database platform's list does not end");
        asked.add(next);
        const page = await askPage(group, next, soon());
        for (const { Name: name, Hostname: host } of page.databases) yield { name, host };
        next = page.pagination?.next || undefined;
      }
    },

    async findDatabase(name: string, deadline: number): Promise<TursoDatabase | undefined> {
      const reply = await askOf(name, "", { method: "GET", deadline });
      if (isMissing(reply)) return undefined;
      return parseReply(door, Existing, expectDone(reply)).database;
    },
  };
}

/** An organization that is not there is a 404 as well. */
export const isMissing = ({ status, text }: Reply) =>
  status === 404 && /could not find database/i.test(text);

/** The contract says 409; 400 has been seen as well. */
export const isDuplicate = ({ status, text }: Reply) =>
  status === 409 || (status === 400 && /already exists/i.test(text));

const misconfigurations: readonly Misconfiguration[] = [
  {
    status: 400,
    text: /group not found/i,
    detail: "TURSO_GROUP or TURSO_GROUPS names no group of TURSO_ORGANIZATION",
  },
  { status: 401, detail: "TURSO_API_TOKEN is not accepted" },
  { status: 402, detail: "The plan of TURSO_ORGANIZATION does not allow this" },
  { status: 403, detail: "TURSO_API_TOKEN does not allow this" },
  { status: 404, detail: "TURSO_ORGANIZATION holds no such database, or is not there itself" },
];
