import { z } from "zod";

const nothing = z.strictObject({});
const all = /^\/v1\/organizations\/([^/]+)\/databases$/;
const one = (rest = "") =>
  new RegExp(`^/v1/organizations/([^/]+)/databases/([^/]+)${rest.replaceAll("/", "\\/")}$`);
const databaseName = z.string().regex(/^[a-z0-9-]{1,64}$/);
const size = z.string().regex(/^\d+([kmg]b)?$/);

/** What the product uses of Turso's Platform API as it is published. Anything beyond is a violation. */
const operations = {
  listDatabases: {
    method: "GET",
    path: all,
    // Nothing is published of pages: `cursor` is what Turso's own command line sends.
    query: z.strictObject({ group: z.string().min(1), cursor: z.string().min(1).optional() }),
    body: z.undefined(),
  },
  createDatabase: {
    method: "POST",
    path: all,
    query: nothing,
    body: z.strictObject({
      name: databaseName,
      group: z.string().min(1),
      seed: z
        .strictObject({
          type: z.literal("database"),
          name: databaseName,
          timestamp: z.iso.datetime({ precision: 0 }).optional(),
        })
        .optional(),
      size_limit: size.optional(),
    }),
  },
  getDatabase: { method: "GET", path: one(), query: nothing, body: z.undefined() },
  deleteDatabase: { method: "DELETE", path: one(), query: nothing, body: z.undefined() },
  updateDatabaseConfiguration: {
    method: "PATCH",
    path: one("/configuration"),
    query: nothing,
    body: z.strictObject({
      size_limit: size.optional(),
      block_reads: z.boolean().optional(),
      block_writes: z.boolean().optional(),
      delete_protection: z.boolean().optional(),
    }),
  },
  createDatabaseToken: {
    method: "POST",
    path: one("/auth/tokens"),
    query: z.strictObject({
      expiration: z.string().optional(),
      authorization: z.enum(["full-access", "read-only"]).optional(),
    }),
    // The contract allows one, but some databases refuse what it may hold.
    body: z.undefined(),
  },
  invalidateDatabaseTokens: {
    method: "POST",
    path: one("/auth/rotate"),
    query: nothing,
    body: z.undefined(),
  },
  getDatabaseUsage: {
    method: "GET",
    path: one("/usage"),
    query: z.strictObject({
      from: z.iso.datetime({ offset: true }).optional(),
      to: z.iso.datetime({ offset: true }).optional(),
    }),
    body: z.undefined(),
  },
} as const;

export type TursoOperation = keyof typeof operations;
type Bodies = { [O in TursoOperation]: z.infer<(typeof operations)[O]["body"]> };
export type TursoCall = {
  [O in TursoOperation]: {
    readonly operation: O;
    readonly organization: string;
    /** In the path; empty where it has none. */
    readonly name: string;
    readonly query: Record<string, string>;
    readonly body: Bodies[O];
  };
}[TursoOperation];

/** The call a request makes, or everything by which it leaves the contract. */
export async function readCall(
  request: Request,
): Promise<{ call: TursoCall } | { faults: string[] }> {
  const { pathname, searchParams } = new URL(request.url);
  const said = `${request.method} ${pathname}`;
  const found = Object.entries(operations).find(
    ([, { method, path }]) => method === request.method && path.test(pathname),
  );
  if (!found) return { faults: [`${said} is not in the contract`] };
  const [operation, rule] = found;
  const text = await request.text();
  const query = Object.fromEntries(searchParams);
  const body: unknown = text === "" ? undefined : JSON.parse(text);
  const checks = {
    query: rule.query.safeParse(query).success,
    body: rule.body.safeParse(body).success,
    authorization: /^Bearer \S+$/.test(request.headers.get("authorization") ?? ""),
    "content-type": request.headers.has("content-type") === (body !== undefined),
    redirect: request.redirect === "manual",
  };
  const wrong = Object.entries(checks).filter(([, right]) => !right);
  if (wrong.length > 0) return { faults: wrong.map(([part]) => `${said}: wrong ${part}`) };
  const [, organization = "", name = ""] = rule.path.exec(pathname) ?? [];
  return { call: { operation, organization, name, query, body } as TursoCall };
}

/** A database as `getDatabase` and `listDatabases` show it. */
export const describeDatabase = (
  { name, group, hostname, deleteProtection, parent }: TursoDatabase,
  blocks: { reads: boolean; writes: boolean },
) => ({
  Name: name,
  DbId: idOf(name),
  Hostname: hostname,
  block_reads: blocks.reads,
  block_writes: blocks.writes,
  regions: ["aws-eu-west-1"],
  primaryRegion: "aws-eu-west-1",
  group,
  delete_protection: deleteProtection,
  parent: parent && { id: idOf(parent), name: parent, branched_at: "2026-01-01T00:00:00.5Z" },
});

export type TursoDatabase = {
  readonly name: string;
  readonly group: string;
  readonly hostname: string;
  readonly deleteProtection: boolean;
  /** What it is a copy of. */
  readonly parent: string | null;
};
const idOf = (name: string) => `0eb771dd-6906-11ee-8553-${hex(name)}`;
const hex = (name: string) => Buffer.from(name).toString("hex").slice(-12).padStart(12, "0");

/** The bytes of `268435456` or `256mb`. */
export function bytesOf(size: string): number {
  const [, digits, unit = ""] = /^(\d+)(\w*)$/.exec(size) ?? [];
  return Number(digits) * ({ kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }[unit] ?? 1);
}

/** The seconds of `2w1d30m`, or of `never`, which here is ten years. */
export function secondsOf(expiration = "never"): number | undefined {
  if (expiration === "never") return 3650 * 86_400;
  const parts = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?$/.exec(expiration);
  const [weeks = 0, days = 0, hours = 0, minutes = 0] = (parts ?? [])
    .slice(1)
    .map((digits) => Number(digits ?? 0));
  return (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 || undefined;
}
