import type { Client } from "@libsql/client/http";
import { sql } from "drizzle-orm";
import { expect, test, vi } from "vitest";
import { Secret } from "../core/secret.ts";
import { batch } from "./batch.ts";
import { type Budget, openTenantDb } from "./connect.ts";

const address = { url: "http://db.test", namespace: "tnt-1", token: new Secret("the-token") };
type Reply = () => Response | Promise<Response>;

/** A database whose server says whatever `reply` says, and everything that was sent to it. */
function databaseThat(reply: Reply, budget: Partial<Budget> = {}) {
  const sent: Request[] = [];
  const fetch = vi.fn(async (request: Request) => {
    sent.push(request);
    return await reply();
  });
  const db = openTenantDb(
    address,
    {
      deadline: Date.now() + 1000,
      timeoutMs: 500,
      writers: 4,
      spent: { trips: 0 },
      fetch: fetch as unknown as Budget["fetch"],
      ...budget,
    },
    "tnt_1",
  );
  return { db, sent, list: () => batch(db, "read", [db.select({ one: sql`1` }).from(sql`x`)]) };
}
const json = (body: object) => () => Response.json(body);
const unavailable = {
  code: "dependency_unavailable",
  message: "The tenant's database does not answer",
};

test("a request names its database and never follows a redirect by itself", async () => {
  const { list, sent } = databaseThat(() => new Response(null, { status: 500 }));
  await expect(list()).rejects.toMatchObject(unavailable);
  expect(
    sent.map(({ url, redirect, headers }) => ({
      url,
      redirect,
      ns: headers.get("x-namespace-bin"),
    })),
  ).toEqual([{ url: "http://db.test/v2/pipeline", redirect: "manual", ns: "dG50LTE" }]);
});

test.each([301, 302, 303, 307, 308])("a redirect (%i) is not followed", async (status) => {
  const headers = { location: "http://elsewhere.test/v2/pipeline" };
  const { list, sent } = databaseThat(() => new Response(null, { status, headers }));
  await expect(list()).rejects.toMatchObject(unavailable);
  expect(sent).toHaveLength(1);
});

test("a server that names another address for the rest of a transaction is not believed", async () => {
  const { db, sent } = databaseThat(
    json({
      baton: "go on",
      base_url: "http://elsewhere.test",
      results: [
        {
          type: "ok",
          response: { type: "execute", result: { cols: [], rows: [], affected_row_count: 0 } },
        },
      ],
    }),
  );
  const { $client } = db as unknown as { $client: Client };
  const transaction = await $client.transaction("read");
  await transaction.execute("select 1").catch(() => undefined);
  await expect(transaction.execute("select 2")).rejects.toThrow();
  expect(new Set(sent.map(({ url }) => new URL(url).host))).toEqual(new Set(["db.test"]));
});

test("a server that never answers costs no more than the time allowed for one call", async () => {
  const budget = { timeoutMs: 50 };
  const { list, sent } = databaseThat(() => {
    const signal = sent.at(-1)?.signal;
    return new Promise((_, reject) =>
      signal?.addEventListener("abort", () => reject(signal.reason)),
    );
  }, budget);
  const start = Date.now();
  await expect(list()).rejects.toMatchObject(unavailable);
  expect(Date.now() - start).toBeLessThan(400);
  expect(sent, "an unknown fate is never tried again").toHaveLength(1);
});

test("after the time of the request is spent no database is asked", async () => {
  const { list, sent, db } = databaseThat(json({}), { deadline: Date.now() - 1 });
  await expect(list()).rejects.toMatchObject(unavailable);
  await expect(batch(db, "write", [db.select({ one: sql`1` }).from(sql`x`)])).rejects.toMatchObject(
    unavailable,
  );
  expect(sent).toEqual([]);
});

test("what surely did nothing is tried again, six times at most", async () => {
  for (const status of [404, 429]) {
    const { list, sent, db } = databaseThat(() => new Response("{}", { status }));
    await expect(list()).rejects.toMatchObject(unavailable);
    expect(sent.length).toBeGreaterThan(1);
    expect(sent.length).toBeLessThanOrEqual(6);
    expect(db.budget.spent.trips).toBe(sent.length);
  }
});

test.each([400, 401, 403, 500, 502, 503])(
  "what may have done something (%i) is never tried again",
  async (status) => {
    const { db, sent } = databaseThat(() => new Response("{}", { status }));
    await expect(
      batch(db, "write", [db.select({ one: sql`1` }).from(sql`x`)]),
    ).rejects.toMatchObject(unavailable);
    expect(sent).toHaveLength(1);
  },
);
