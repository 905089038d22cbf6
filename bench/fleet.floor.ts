import { tenantMigrations } from "../src/db/migrations.gen.ts";
import { databaseNameOf } from "../src/platform/platform.ts";
import { platformOf } from "../src/ports.backends.ts";
import { firstVersion, type OwnRegistry } from "../src/testing/fleet.ts";

type Straight = { readonly url: string; readonly headers: Record<string, string> };

const texts = [
  "PRAGMA foreign_keys=off",
  "BEGIN DEFERRED",
  ...tenantMigrations
    .slice(firstVersion)
    .flatMap(({ hash, when, statements }) => [
      `insert into __drizzle_migrations (hash, created_at) values ('${hash}', ${when})`,
      ...statements,
    ]),
  "COMMIT",
  "PRAGMA foreign_keys=on",
];
/** Each step runs where the one before did, as in a batch of the client's. */
const steps = texts.map((sql, i) => ({
  stmt: { sql, want_rows: false },
  ...(i > 0 && { condition: { type: "ok", step: i - 1 } }),
}));
const body = JSON.stringify({
  baton: null,
  requests: [{ type: "batch", batch: { steps } }, { type: "close" }],
});

/** The requests' heads, made before the clock runs. */
export async function prepareStraight(
  { settings }: OwnRegistry,
  ids: readonly string[],
): Promise<Straight[]> {
  const platform = platformOf(settings, fetch);
  const made: Straight[] = [];
  for (const id of ids) {
    const name = databaseNameOf(id);
    const { token } = await platform.mintToken(name);
    const headers = {
      authorization: `Bearer ${token.reveal()}`,
      "content-type": "application/json",
      "x-namespace-bin": btoa(name).replace(/=+$/, ""),
    };
    made.push({ url: `${platform.locate(name, null).url}/v2/pipeline`, headers });
  }
  return made;
}

/** The least that could do it: one request per database, with nothing asked before and nothing noted after. */
export async function migrateStraight(databases: readonly Straight[], atOnce: number) {
  const queue = databases.values();
  const work = async () => {
    for (const { url, headers } of queue) {
      const answer = await fetch(url, { method: "POST", headers, body });
      const text = await answer.text();
      if (answer.status !== 200 || /"type":"error"|"step_errors":\[[^\]]*\{/.test(text))
        throw new Error(`The floor failed: ${answer.status} ${text.slice(0, 300)}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
