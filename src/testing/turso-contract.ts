import { z } from "zod";

/** What the product uses of Turso's Platform API as it is published. Anything beyond is a violation. */
const operations = {
  createDatabase: {
    method: "POST",
    path: /^\/v1\/organizations\/([^/]+)\/databases$/,
    query: z.strictObject({}),
    body: z.strictObject({
      name: z.string().regex(/^[a-z0-9-]{1,64}$/),
      group: z.string().min(1),
    }),
  },
  getDatabase: {
    method: "GET",
    path: /^\/v1\/organizations\/([^/]+)\/databases\/([^/]+)$/,
    query: z.strictObject({}),
    body: z.undefined(),
  },
  createDatabaseToken: {
    method: "POST",
    path: /^\/v1\/organizations\/([^/]+)\/databases\/([^/]+)\/auth\/tokens$/,
    query: z.strictObject({
      expiration: z.string().optional(),
      authorization: z.enum(["full-access", "read-only"]).optional(),
    }),
    // The contract allows one, but some databases refuse what it may hold.
    body: z.undefined(),
  },
} as const;

export type TursoOperation = keyof typeof operations;
export type TursoCall = {
  readonly operation: TursoOperation;
  readonly organization: string;
  /** In the path; empty where it has none. */
  readonly name: string;
  readonly query: Record<string, string>;
  readonly body: unknown;
};

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
  return {
    call: { operation: operation as TursoOperation, organization, name, query, body },
  };
}

/** A database as `getDatabase` shows it. */
export const describeDatabase = (name: string, group: string, hostname: string) => ({
  Name: name,
  DbId: "0eb771dd-6906-11ee-8553-eaa7715aeaf2",
  Hostname: hostname,
  block_reads: false,
  block_writes: false,
  regions: ["aws-eu-west-1"],
  primaryRegion: "aws-eu-west-1",
  group,
  delete_protection: false,
  parent: null,
});

/** The seconds of `2w1d30m`, or of `never`, which here is ten years. */
export function secondsOf(expiration = "never"): number | undefined {
  if (expiration === "never") return 3650 * 86_400;
  const parts = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?$/.exec(expiration);
  const [weeks = 0, days = 0, hours = 0, minutes = 0] = (parts ?? [])
    .slice(1)
    .map((digits) => Number(digits ?? 0));
  return (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 || undefined;
}
