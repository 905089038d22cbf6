import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { openToken, sealToken } from "../registry/tenants/token-vault.ts";
import { call } from "../testing/client.ts";
import { dump } from "../testing/dump.ts";
import { registry, settings, stack, type TestTenant } from "../testing/harness.ts";
import { execute, rowsOf } from "../testing/raw-sql.ts";
import { ask, marksOf, newTwins, type Twins } from "../testing/twins.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";

/** A Worker that remembers nothing, for as long as `work` takes. */
async function withNewWorker(work: (worker: RunningWorker) => Promise<void>): Promise<void> {
  const forgetful = { ...stack.settings, ROUTE_CACHE_SECONDS: "0" };
  const worker = await startWorker({ bundle: stack.bundle, settings: forgetful });
  try {
    await work(worker);
  } finally {
    await worker.stop();
  }
}

type Place = { name: string; sealed: string };

/** What the registry says of where a tenant is, and the token that opens it. */
async function placeOf({ id }: TestTenant) {
  const [row] = await rowsOf<Place>(
    registry,
    sql`select database_name as name, sealed_token as sealed from tenants where id = ${id}`,
  );
  if (!row) throw new Error(`no row of ${id}`);
  return { ...row, token: await openToken(settings.ENCRYPTION_KEY, id, row.sealed) };
}

/** Gives each tenant the place meant for it, by the back door. */
async function direct(...places: [TestTenant, Place][]): Promise<void> {
  const set = ({ id }: TestTenant, name: string, sealed: string) =>
    sql`update tenants set database_name = ${name}, sealed_token = ${sealed} where id = ${id}`;
  await execute(
    registry,
    ...places.map(([tenant, { sealed }], i) => set(tenant, `${tenant.id}-${i}`, sealed)),
    ...places.map(([tenant, { name, sealed }]) => set(tenant, name, sealed)),
  );
}

/** Everything that can be asked of a twin, by its owner and by who is in both. */
async function askEverything(base: string, twins: Twins, twin: TestTenant) {
  const user = `/api/v1/users/${twins.ids.ada}`;
  const account = `/api/v1/accounts/${twins.ids.account}`;
  const create = { method: "POST", body: { name: "New", email: "new@twins.test" } };
  const patch = { method: "PATCH", body: { name: "Changed" } };
  const requests = [
    ["/api/v1/users"],
    [user],
    ["/api/v1/audit-logs"],
    ["/api/v1/tenant"],
    ["/api/v1/auth/me"],
    ["/api/v1/users", create],
    [user, patch],
    [user, { method: "DELETE" }],
    ["/api/v1/tenant", patch],
    ["/api/v1/tenant/members"],
    ["/api/v1/accounts"],
    [account],
    [account, patch],
    [`${account}/members`],
    [`${account}/members/${twins.ids.ada}`],
  ] as const;
  const answers = requests.map(([path, options]) => {
    const url = `${base}${path}`;
    return [ask(twins, { header: twin.slug }, url, options), twin.owner.call(url, options)];
  });
  return await Promise.all(answers.flat());
}

/** Asks the database server itself, past the Worker. */
const select = (namespace: string | undefined, token: string | undefined, host?: string) =>
  call<{ error?: string }>(`${settings.SQLD_URL}/v2/pipeline`, {
    method: "POST",
    headers: {
      authorization: token && `Bearer ${token}`,
      "x-namespace-bin": namespace && Buffer.from(namespace).toString("base64").replace(/=+$/, ""),
      host: host && `${host}.localhost`,
    },
    body: { requests: [{ type: "execute", stmt: { sql: "select * from users" } }] },
  });

test("the database token of one tenant opens no database but its own", async () => {
  const { left, right } = await newTwins();
  const [own, other] = [await placeOf(left), await placeOf(right)];
  const token = own.token.reveal();
  const opened = JSON.stringify((await select(own.name, token, other.name)).body);
  expect(opened).toContain(left.slug);
  for (const mark of marksOf(right)) expect(opened).not.toContain(mark);

  const refused = [
    await select(other.name, token),
    await select(undefined, token, other.name),
    await select(settings.GLOBAL_DATABASE_NAMESPACE, token),
    await select(`${own.name}/../${other.name}`, token),
    await select(undefined, token),
    await select(own.name, undefined),
  ];
  expect(refused.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 401]);
  for (const { body } of refused) expect(Object.keys(body)).toEqual(["error"]);
});

test.each(["with the tokens they had", "with tokens that open them"])(
  "databases swapped in the registry, %s, show and change nothing",
  async (how) => {
    const twins = await newTwins();
    const { left, right } = twins;
    const [mine, theirs] = [await placeOf(left), await placeOf(right)];
    const swapped = async (tenant: TestTenant, own: typeof mine, other: typeof mine) => ({
      name: other.name,
      sealed:
        how === "with the tokens they had"
          ? own.sealed
          : await sealToken(settings.ENCRYPTION_KEY, tenant.id, other.token),
    });
    const works = await askEverything(stack.apiUrl, twins, left);
    expect(works.map(({ status }) => status)).not.toContain(503);
    const before = [await dump(left.db), await dump(right.db)];
    const places = [await swapped(left, mine, theirs), await swapped(right, theirs, mine)] as const;
    await direct([left, places[0]], [right, places[1]]);
    await withNewWorker(async ({ url, lines }) => {
      for (const [twin, other] of pairs(twins))
        for (const { status, headers, body } of await askEverything(url, twins, twin)) {
          expect([status, body["code"]]).toEqual([503, "dependency_unavailable"]);
          expect(Number(headers["retry-after"])).toBeGreaterThan(0);
          for (const mark of marksOf(other)) expect(JSON.stringify(body)).not.toContain(mark);
        }
      expect([await dump(left.db), await dump(right.db)]).toEqual(before);
      for (const { token } of [mine, theirs])
        expect(JSON.stringify(lines)).not.toContain(token.reveal());

      await direct([left, mine], [right, theirs]);
      const found = await left.owner.call(`${url}/api/v1/tenant`);
      expect(found).toMatchObject({ status: 200, body: { id: left.id } });
    });
  },
);
const pairs = ({ left, right }: Twins) => [[left, right] as const, [right, left] as const];

test("a sealed token copied from another tenant's row does not open, and nothing of it gets out", async () => {
  const twins = await newTwins();
  const { left, right } = twins;
  const [mine, theirs] = [await placeOf(left), await placeOf(right)];
  const before = [await dump(left.db), await dump(right.db)];
  const secrets = [mine, theirs].flatMap(({ sealed, token }) => [
    ...sealed.split(".").filter((part) => part.length > 20),
    token.reveal(),
  ]);
  await withNewWorker(async ({ url, lines }) => {
    for (const place of [
      { name: mine.name, sealed: theirs.sealed },
      { name: `${theirs.name}-copy`, sealed: theirs.sealed },
      { name: mine.name, sealed: "not.a.sealed.token" },
    ]) {
      await direct([left, place]);
      for (const { status, body } of await askEverything(url, twins, left)) {
        expect([status, body["code"]]).toEqual([500, "tenant_credentials_unreadable"]);
        for (const mark of [...marksOf(right), ...secrets])
          expect(JSON.stringify(body)).not.toContain(mark);
      }
    }
    const logged = JSON.stringify(lines);
    expect(logged).toContain("tenant_credentials_unreadable");
    for (const secret of secrets) expect(logged).not.toContain(secret);
  });
  expect([await dump(left.db), await dump(right.db)]).toEqual(before);
});
