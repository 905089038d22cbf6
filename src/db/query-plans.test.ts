import { afterAll, beforeAll, expect, test } from "vitest";
import { openTenant } from "../testing/databases.ts";
import { callEverything } from "../testing/everything.ts";
import { registry, settings, stack } from "../testing/harness.ts";
import { type Passage, startProxy } from "../testing/proxy.ts";
import { rowsOf } from "../testing/raw-sql.ts";
import { outboxOf } from "../testing/stack.ts";
import { startWorker } from "../testing/worker.ts";

type Planned = { readonly sql: string; readonly plan: readonly string[] };
let planned: Planned[] = [];
const cleanup: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const proxy = await startProxy(stack.settings);
  cleanup.push(proxy.stop);
  const variables = { ...stack.settings, ...proxy.settings };
  const outbox = outboxOf(stack.dataDir);
  const worker = await startWorker({ bundle: stack.bundle, settings: variables, outbox });
  cleanup.unshift(worker.stop);
  const tenantId = await callEverything(worker.url);
  planned = await plansOf(proxy.passages, tenantId);
});
afterAll(async () => {
  for (const stop of cleanup) await stop();
});

type Pipeline = {
  requests: {
    sql_id?: number;
    sql?: string;
    batch?: { steps: { stmt: { sql?: string; sql_id?: number } }[] };
  }[];
};

/** The statements as they went over the wire, without those that frame transactions or migrate. */
function statementsOf({ body }: Passage): string[] {
  const { requests } = JSON.parse(body) as Pipeline;
  const stored = new Map(requests.map(({ sql_id, sql }) => [sql_id, sql]));
  return requests
    .flatMap(({ batch }) => batch?.steps ?? [])
    .map(({ stmt }) => stmt.sql ?? stored.get(stmt.sql_id) ?? "")
    .filter((sql) => /^\s*(select|insert|update|delete)\b/i.test(sql))
    .filter((sql) => !/`?__(drizzle_migrations|new_)/.test(sql));
}

async function plansOf(passages: readonly Passage[], tenantId: string): Promise<Planned[]> {
  const tenantDb = await openTenant(settings, tenantId);
  const statements = new Map(
    passages
      .filter(({ door }) => door === "data")
      .flatMap((passage) =>
        statementsOf(passage).map((sql) => [sql, passage.namespace === "registry"] as const),
      ),
  );
  return Promise.all(
    [...statements].map(async ([sql, central]) => {
      const db = central ? registry : tenantDb;
      const rows = await rowsOf<{ detail: string }>(db, `explain query plan ${sql}`);
      return { sql: sql.replaceAll(/\s+/g, " "), plan: rows.map(({ detail }) => detail) };
    }),
  );
}

const offending = (isFault: (step: string, sql: string, before?: string) => boolean) =>
  planned.flatMap(({ sql, plan }) =>
    plan
      .filter((step, i) => isFault(step, sql, plan[i - 1]))
      .map((step) => `${step}: ${sql.slice(0, 1000)}`),
  );

/** One row at most, or no table at all: what stands in a column, or was read already. */
const tiny =
  /^SCAN (tenant_identity|settings|t|audit_context|c|p|q|CONSTANT ROW|\d+ CONSTANT ROWS|\(subquery-\d+\)|\w+ VIRTUAL TABLE .*)( LEFT-JOIN)?$/;
/**
 * Totals that no index would make cheaper: of one of three words in the log, of tables a tenant has
 * few rows of, of all there are tenants.
 */
const countsAll =
  /^select count\(\*\) from ("audit_logs" where "audit_logs"."action" = \?$|"(api_keys|invitations|tenants)" where )/;
/** A tenant has few keys, and looks through all of them only where one is made or replaced. */
const looksThroughKeys =
  /\(select count\(\*\) from "api_keys" where revoked_at is null and replaced_by is null|^update "api_keys" set "expires_at" = \? where \("api_keys"."replaced_by"/;

test("no statement of any request reads a table without an index", () => {
  expect(planned.length).toBeGreaterThan(300);
  const scans = offending(
    (step, sql) =>
      /^SCAN (?!.* USING )/.test(step) &&
      !tiny.test(step) &&
      !countsAll.test(sql) &&
      !(step === "SCAN api_keys" && looksThroughKeys.test(sql)),
  );
  expect(scans).toEqual([]);
});

test("lists come in the order of an index; only what one person or one row has is ever sorted", () => {
  const ofOne =
    /"user_id" = |"tenant_users"\."subject" = |"audit_logs"\."entity_id" = |from "access_grants" where issuer = \? and subject = /;
  const sorts = offending(
    (step, sql, before) =>
      step.startsWith("USE TEMP B-TREE") &&
      !ofOne.test(sql) &&
      // A page that is at hand; what it was taken from has a step of its own.
      !before?.startsWith("SCAN (subquery"),
  );
  expect(sorts).toEqual([]);
});

test("a cursor leads straight to its place in the list", () => {
  const pages = planned.filter(({ sql }) => /"\) [<>] \(\?, \?\)/.test(sql));
  const firstOf = ({ plan }: Planned) => plan.find((step) => !step.startsWith("CO-ROUTINE"));
  const starts = new Set(pages.map((page) => firstOf(page)?.replace(/^SEARCH (\w+) .*/, "$1")));
  const lists = ["users", "audit_logs", "accounts", "account_members", "api_keys", "invitations"];
  expect([...starts]).toEqual(expect.arrayContaining(lists));
  expect(pages.filter((page) => !firstOf(page)?.startsWith("SEARCH"))).toEqual([]);
});

const byAccount = [
  "SEARCH a USING INDEX sqlite_autoindex_accounts_1 (id=?) LEFT-JOIN",
  "SEARCH m USING INDEX sqlite_autoindex_account_members_1 (account_id=? AND user_id=?) LEFT-JOIN",
];
test.each([
  [
    "a person",
    "i.user_id as linkedTo",
    [
      "SEARCH i USING INDEX sqlite_autoindex_user_identities_1 (issuer=? AND subject=?) LEFT-JOIN",
      "SEARCH u USING INDEX sqlite_autoindex_users_1 (id=?) LEFT-JOIN",
      "SEARCH s USING INDEX user_sessions_sid (user_id=? AND sid=?) LEFT-JOIN",
      ...byAccount,
    ],
  ],
  [
    "a key",
    "k.id as linkedTo",
    [
      "SEARCH k USING INDEX api_keys_hash (hash=?) LEFT-JOIN",
      "SEARCH u USING INDEX sqlite_autoindex_users_1 (id=?) LEFT-JOIN",
      ...byAccount,
    ],
  ],
  [
    "a platform admin",
    "g.id as linkedTo",
    [
      "SEARCH g USING INDEX sqlite_autoindex_access_grants_1 (id=?) LEFT-JOIN",
      "SEARCH access_grants USING INDEX access_grants_operator (issuer=? AND subject=? AND expires_at>?)",
      byAccount[0],
    ],
  ],
])("proving %s takes one lookup by key for each table it asks", (_, mark, lookups) => {
  const proofs = planned.filter(
    ({ sql }) => /^select (t\.)?tenant/.test(sql) && sql.includes(mark),
  );
  expect(proofs.length).toBeGreaterThan(0);
  for (const { plan } of proofs) {
    const asked = plan.filter((step) => /^(SEARCH|SCAN) (?!json_each)/.test(step));
    expect(asked).toEqual(["SEARCH t USING INTEGER PRIMARY KEY (rowid=?)", ...lookups]);
  }
});
