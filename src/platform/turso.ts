import { ApiError, unavailable } from "../core/error.ts";
import { Secret } from "../core/secret.ts";
import {
  assertDatabaseName,
  assertRegion,
  copyMs,
  type DatabaseRules,
  databaseNameLength,
  type NewDatabase,
  noSuchDatabase,
  type Platform,
} from "./platform.ts";
import {
  Created,
  hostPattern,
  isDuplicate,
  isMissing,
  Minted,
  type TursoApiSettings,
  type TursoDatabase,
  tursoApi,
  Used,
} from "./turso-api.ts";

export type TursoSettings = TursoApiSettings & {
  /** Where databases can be placed, the usual group first; no region has a name where it is the only one. */
  readonly groups: readonly [Placement, ...Placement[]];
  readonly tokenDays: number;
  /** For one method of the port as a whole, its repetitions included; copies aside. */
  readonly timeoutMs: number;
};
export type Placement = { readonly region: string | null; readonly group: string };

const longestLabel = 63;

/** Turso Cloud: a host and tokens for each database, made in a group of ours through the Platform API. */
export function tursoPlatform(settings: TursoSettings): Platform {
  const { groups, tokenDays } = settings;
  assertHostsFit(settings.organization);
  const api = tursoApi(settings);
  const regions = groups.map(({ region }) => region).filter((region) => region !== null);
  const soon = () => Date.now() + settings.timeoutMs;

  /** Undefined where the group is none of ours. */
  const placeOf = ({ group }: TursoDatabase) => groups.find((place) => place.group === group);

  async function change(name: string, body: object, deadline: number): Promise<void> {
    api.expectDone(await api.askOf(name, "/configuration", { method: "PATCH", body, deadline }));
  }

  /** It stood under the name before we asked, or an asking made it whose answer was lost. */
  async function adopt(
    { name, copyOf }: NewDatabase,
    group: string,
    deadline: number,
  ): Promise<string> {
    const there = await getDatabase(name, deadline);
    if (there.group !== group) throw notOurs();
    if (copyOf && there.parent?.name !== copyOf.name) throw noCopy();
    return there.Hostname;
  }

  /** Whether a copy is blocked as its original is nobody says. */
  async function unblock(name: string, deadline: number): Promise<void> {
    const there = await getDatabase(name, deadline);
    if (!there.block_reads && !there.block_writes) return;
    await change(name, { block_reads: false, block_writes: false }, deadline);
  }

  async function getDatabase(name: string, deadline: number): Promise<TursoDatabase> {
    const there = await api.findDatabase(name, deadline);
    if (!there) throw noSuchDatabase({ status: 404 });
    return there;
  }

  return {
    kind: "turso",
    pointInTime: true,
    regions,

    async ensureDatabase(database) {
      const { name, region, copyOf } = database;
      assertDatabaseName(name);
      assertRegion({ regions }, region);
      const [usual] = groups;
      const { group } = groups.find((place) => place.region === region) ?? usual;
      const deadline = copyOf ? Date.now() + copyMs : soon();
      const body = creation(database, group);
      const made = await api.askAll("", { method: "POST", body, deadline });
      const host = isDuplicate(made)
        ? await adopt(database, group, deadline)
        : api.read(Created, made).database.Hostname;
      if (copyOf) await unblock(name, deadline);
      return host;
    },

    async findDatabase(name) {
      const there = await api.findDatabase(name, soon());
      if (!there) return undefined;
      const place = placeOf(there);
      if (!place) throw notOurs();
      return { host: there.Hostname, region: place.region };
    },

    async *listDatabases() {
      for (const group of new Set(groups.map((place) => place.group)))
        yield* api.listGroup(group, soon);
    },

    async mintToken(name) {
      const now = Date.now();
      const query = `expiration=${tokenDays}d&authorization=full-access`;
      const asking = { method: "POST", deadline: now + settings.timeoutMs } as const;
      const reply = await api.askOf(name, `/auth/tokens?${query}`, asking);
      const token = new Secret(api.read(Minted, reply).jwt);
      return { token, expiresAt: now + tokenDays * 86_400_000 };
    },

    async endTokens(name) {
      const asking = { method: "POST", deadline: soon() } as const;
      api.expectDone(await api.askOf(name, "/auth/rotate", asking));
      return true;
    },

    async configure(name, rules) {
      assertDatabaseName(name);
      const body = configuration(rules);
      if (Object.keys(body).length > 0) await change(name, body, soon());
    },

    async usageOf(name) {
      const reply = await api.askOf(name, "/usage", { method: "GET", deadline: soon() });
      const { total } = api.read(Used, reply).database;
      return {
        storageBytes: total.storage_bytes,
        rowsRead: total.rows_read,
        rowsWritten: total.rows_written,
      };
    },

    async deleteDatabase(name) {
      const deadline = soon();
      const there = await api.findDatabase(name, deadline);
      if (!there) return;
      if (!placeOf(there)) throw notOurs();
      if (there.delete_protection !== false)
        await change(name, { delete_protection: false }, deadline);
      const reply = await api.askOf(name, "", { method: "DELETE", deadline });
      if (!isMissing(reply)) api.expectDone(reply);
    },

    locate(_name, host) {
      if (host === null || !hostPattern.test(host)) throw new Error("Not a host of Turso");
      return { url: `https://${host}` };
    },
  };
}

function creation({ name, maxBytes, copyOf }: NewDatabase, group: string): object {
  const size = maxBytes ? { size_limit: String(maxBytes) } : {};
  if (!copyOf) return { name, group, ...size };
  assertDatabaseName(copyOf.name);
  // To the second before it, so that nothing later gets in.
  const timestamp = copyOf.at && new Date(copyOf.at).toISOString().replace(/\.\d+/, "");
  const seed = { type: "database", name: copyOf.name, ...(timestamp ? { timestamp } : {}) };
  return { name, group, ...size, seed };
}

const configuration = (rules: DatabaseRules): object =>
  Object.fromEntries(
    Object.entries({
      block_reads: rules.blockReads,
      block_writes: rules.blockWrites,
      size_limit: rules.maxBytes && String(rules.maxBytes),
      delete_protection: rules.deleteProtection,
    }).filter(([, value]) => value !== undefined),
  );

/** A host begins with `database-organization`, and that is one label of DNS. */
function assertHostsFit(organization: string): void {
  const most = longestLabel - databaseNameLength - 1;
  if (organization.length <= most) return;
  const detail = `TURSO_ORGANIZATION is longer than ${most} characters, so that its databases' host names would exceed what DNS allows`;
  throw new ApiError("config_invalid", detail);
}

const notOurs = () =>
  unavailable("The database platform has this database in another group than ours");
const noCopy = () =>
  unavailable(
    "The database platform has a database of this name that is no copy of the one asked for",
  );
