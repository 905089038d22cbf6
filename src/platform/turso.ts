import { z } from "zod";
import { ApiError, unavailable } from "../core/error.ts";
import { Secret } from "../core/secret.ts";
import { ask, asUnavailable, causeOf, isPassing, type Question, type Reply } from "./ask.ts";
import { assertDatabaseName, databaseNameLength, type Platform } from "./platform.ts";

export type TursoSettings = {
  readonly apiUrl: string;
  readonly apiToken: Secret;
  readonly organization: string;
  readonly group: string;
  readonly tokenDays: number;
  /** For one method of the port as a whole, its repetitions included. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
};

/** A plain name: a port, user or path here would send a tenant's token to somebody else. */
const hostPattern = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+turso\.io$/;
const Hostname = z.string().regex(hostPattern);
const Created = z.object({ database: z.object({ Hostname }) });
const Existing = z.object({ database: z.object({ Hostname, group: z.string() }) });
const Minted = z.object({ jwt: z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/) });

const longestLabel = 63;
const firstPauseMs = 100;
const longestPauseMs = 2000;

/** Turso Cloud: a host and tokens for each database, made in one group through the Platform API. */
export function tursoPlatform(settings: TursoSettings): Platform {
  const { organization, group, tokenDays } = settings;
  assertHostsFit(organization);
  const databases = `/v1/organizations/${organization}/databases`;
  const askTurso = (question: Question, deadline: number) =>
    askPatiently(settings, question, deadline);

  return {
    async ensureDatabase(name) {
      assertDatabaseName(name);
      const deadline = Date.now() + settings.timeoutMs;
      const body = { name, group };
      const made = await askTurso({ method: "POST", path: databases, body }, deadline);
      if (made.status === 200) return parse(Created, made).database.Hostname;
      if (!isDuplicate(made)) throw refusal(made);
      const there = await askTurso({ method: "GET", path: `${databases}/${name}` }, deadline);
      if (there.status !== 200) throw refusal(there);
      const { database } = parse(Existing, there);
      if (database.group === group) return database.Hostname;
      throw unavailable("The database platform has this database in another group than ours");
    },

    async mintToken(name) {
      assertDatabaseName(name);
      const now = Date.now();
      const query = `expiration=${tokenDays}d&authorization=full-access`;
      const path = `${databases}/${name}/auth/tokens?${query}`;
      const reply = await askTurso({ method: "POST", path }, now + settings.timeoutMs);
      if (reply.status !== 200) throw refusal(reply);
      const token = new Secret(parse(Minted, reply).jwt);
      return { token, expiresAt: now + tokenDays * 86_400_000 };
    },

    locate(_name, host) {
      if (host === null || !hostPattern.test(host)) throw new Error("Not a host of Turso");
      return { url: `https://${host}` };
    },
  };
}

/** A host begins with `database-organization`, and that is one label of DNS. */
function assertHostsFit(organization: string): void {
  const most = longestLabel - databaseNameLength - 1;
  if (organization.length <= most) return;
  const detail = `TURSO_ORGANIZATION is longer than ${most} characters, so that its databases' host names would exceed what DNS allows`;
  throw new ApiError("config_invalid", detail);
}

/** Repeats what failed on their side while there is time: whatever is asked here may happen twice. */
async function askPatiently(
  { apiUrl: url, apiToken: key, fetch }: TursoSettings,
  question: Question,
  deadline: number,
): Promise<Reply> {
  for (let pause = firstPauseMs; ; pause *= 2) {
    const reply = await ask({ url, scheme: "Bearer", key, fetch }, question, deadline);
    const { retryAfterSeconds } = reply;
    const wait = retryAfterSeconds ? retryAfterSeconds * 1000 : pause * (0.5 + Math.random() / 2);
    const late = wait > longestPauseMs || Date.now() + wait >= deadline;
    if (late || !isPassing(reply)) return reply;
    await new Promise((wake) => setTimeout(wake, wait));
  }
}

/** The contract says 409; 400 has been seen as well. */
const isDuplicate = ({ status, text }: Reply) =>
  status === 409 || (status === 400 && /already exists/i.test(text));

/** What no repetition mends, so that whoever runs the service must see which setting it is about. */
const refusals: readonly { status: number; text?: RegExp; detail: string }[] = [
  {
    status: 400,
    text: /group not found/i,
    detail: "TURSO_GROUP is not a group of TURSO_ORGANIZATION",
  },
  { status: 401, detail: "TURSO_API_TOKEN is not accepted" },
  { status: 402, detail: "The plan of TURSO_ORGANIZATION does not allow this" },
  { status: 403, detail: "TURSO_API_TOKEN does not allow this" },
  { status: 404, detail: "TURSO_ORGANIZATION holds no such database, or is not there itself" },
];

function refusal(reply: Reply): ApiError {
  const known = refusals.find(
    ({ status, text }) => status === reply.status && (text?.test(reply.text) ?? true),
  );
  if (!known) return asUnavailable(reply);
  return new ApiError("config_invalid", known.detail, { cause: causeOf(reply) });
}

/** The reply's text stays out of the failure: it may hold a token. */
function parse<T>(schema: z.ZodType<T>, reply: Reply): T {
  let value: unknown;
  try {
    value = JSON.parse(reply.text);
  } catch {
    value = undefined;
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const paths = result.error.issues.map((issue) => issue.path.join("."));
  throw unavailable("The database platform answers something unexpected", {
    status: reply.status,
    paths,
  });
}
