import { z } from "zod";
import { ApiError, unavailable } from "../core/error.ts";
import { Secret } from "../core/secret.ts";
import {
  asFailure,
  askPatiently,
  type Door,
  type Misconfiguration,
  parseReply,
  type Question,
  type Reply,
} from "../remote/ask.ts";
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

/** Turso Cloud: a host and tokens for each database, made in one group through the Platform API. */
export function tursoPlatform(settings: TursoSettings): Platform {
  const { organization, group, tokenDays } = settings;
  assertHostsFit(organization);
  const databases = `/v1/organizations/${organization}/databases`;
  const turso: Door = {
    name: "The database platform",
    url: settings.apiUrl,
    fetch: settings.fetch,
    key: { scheme: "Bearer", secret: settings.apiToken },
  };
  const askTurso = (question: Question, deadline: number) =>
    askPatiently(turso, question, deadline);
  const refusal = (reply: Reply) => asFailure(turso, reply, misconfigurations);

  return {
    async ensureDatabase(name) {
      assertDatabaseName(name);
      const deadline = Date.now() + settings.timeoutMs;
      const body = { name, group };
      const made = await askTurso({ method: "POST", path: databases, body }, deadline);
      if (made.status === 200) return parseReply(turso, Created, made).database.Hostname;
      if (!isDuplicate(made)) throw refusal(made);
      const there = await askTurso({ method: "GET", path: `${databases}/${name}` }, deadline);
      if (there.status !== 200) throw refusal(there);
      const { database } = parseReply(turso, Existing, there);
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
      const token = new Secret(parseReply(turso, Minted, reply).jwt);
      return { token, expiresAt: now + tokenDays * 86_400_000 };
    },

    locate: locateAtTurso,
  };
}

export const locateAtTurso: Platform["locate"] = (_name, host) => {
  if (host === null || !hostPattern.test(host)) throw new Error("Not a host of Turso");
  return { url: `https://${host}` };
};

/** A host begins with `database-organization`, and that is one label of DNS. */
function assertHostsFit(organization: string): void {
  const most = longestLabel - databaseNameLength - 1;
  if (organization.length <= most) return;
  const detail = `TURSO_ORGANIZATION is longer than ${most} characters, so that its databases' host names would exceed what DNS allows`;
  throw new ApiError("config_invalid", detail);
}

/** The contract says 409; 400 has been seen as well. */
const isDuplicate = ({ status, text }: Reply) =>
  status === 409 || (status === 400 && /already exists/i.test(text));

const misconfigurations: readonly Misconfiguration[] = [
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
