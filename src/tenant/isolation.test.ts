import { expect, test } from "vitest";
import { newId } from "../core/id.ts";
import { servedContract } from "../testing/contract.ts";
import { dump } from "../testing/dump.ts";
import type { TestTenant } from "../testing/harness.ts";
import { rowsOf } from "../testing/raw-sql.ts";
import { ask, marksOf, newTwins, type Signals } from "../testing/twins.ts";

const ways: Record<string, (twin: TestTenant) => Signals> = {
  "the id in the token": ({ id }) => ({ claim: id }),
  "the slug in the token": ({ slug }) => ({ claim: slug }),
  "the id in the header": ({ id }) => ({ header: id }),
  "the slug in the header": ({ slug }) => ({ header: slug }),
  "the subdomain": ({ slug }) => ({ host: slug }),
  "token, header and subdomain at once": ({ id, slug }) => ({
    claim: id,
    header: slug,
    host: slug,
  }),
};
const { operations } = await servedContract();
const lists = operations.filter(
  ({ method, path, "x-plane": plane }) =>
    method === "GET" && !path.includes("{") && /identity|tenant/.test(plane),
);

test.each(Object.entries(ways))("%s shows one twin and nothing of the other", async (_, signal) => {
  const twins = await newTwins();
  const { left, right, ids } = twins;
  const paths = [
    ...lists.map(({ path }) => path),
    `/api/v1/users/${ids.ada}`,
    "/api/v1/users?search=Ada",
    `/api/v1/accounts/${ids.account}`,
    `/api/v1/accounts/${ids.account}/members`,
    `/api/v1/accounts/${ids.account}/members/${ids.ada}`,
    "/api/v1/accounts?search=Account",
    `/api/v1/audit-logs?entityId=${ids.ada}`,
    `/api/v1/audit-logs?actorId=${ids.dual}`,
  ];
  for (const twin of [left, right]) {
    const changed = await ask<{ name: string }>(twins, signal(twin), `/api/v1/users/${ids.ada}`, {
      method: "PATCH",
      body: { name: `Ada, changed in ${twin.slug}` },
    });
    expect([changed.status, changed.body.name]).toEqual([200, `Ada, changed in ${twin.slug}`]);
  }
  for (const [twin, other] of [
    [left, right],
    [right, left],
  ] as const)
    for (const path of paths) {
      const { status, headers, body } = await ask(twins, signal(twin), path);
      const all = JSON.stringify([headers, body]);
      expect(status, path).toBe(200);
      if (!/roles|tenants|verification/.test(path)) expect(all, path).toContain(twin.slug);
      for (const mark of marksOf(other)) expect(all, path).not.toContain(mark);
    }
});

test("names that contradict each other open neither twin, even to who is in both", async () => {
  const twins = await newTwins();
  const { left, right } = twins;
  const before = [await dump(left.db), await dump(right.db)];
  const unknown = { id: newId("tenant"), slug: `no-${left.slug}` };
  const named = [undefined, left, right, unknown];
  const mixed = named.flatMap((claim) =>
    named.flatMap((header) =>
      named
        .filter((host) => new Set([claim, header, host].filter(Boolean)).size > 1)
        .map((host) => ({ claim: claim?.id, header: header?.slug, host: host?.slug })),
    ),
  );
  expect(mixed).toHaveLength(42);
  for (const signals of mixed) {
    const body = { name: "Ada", email: "new@twins.test" };
    const answers = await Promise.all([
      ask(twins, signals, "/api/v1/users"),
      ask(twins, signals, "/api/v1/auth/me"),
      ask(twins, signals, "/api/v1/users", { method: "POST", body }),
    ]);
    for (const answer of answers) expect(answer).toMatchObject(mismatch);
  }
  expect([await dump(left.db), await dump(right.db)]).toEqual(before);
});
const mismatch = { status: 403, body: { code: "tenant_mismatch" } };

test("200 requests at once, of both twins in turn, never exchange who, what or where", async () => {
  const twins = await newTwins();
  const { left, right } = twins;
  const round = newId("operation");
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const twin = i % 2 ? left : right;
      const requestId = `${twin.slug}.${round}.${i}`;
      const caller = i % 4 < 2 ? twin.owner.userId : twins.ids.dual;
      const call = {
        method: "POST",
        headers: { "x-request-id": requestId },
        body: { name: `Number ${i} of ${twin.slug}`, email: `${i}@twins.test` },
      };
      const { status, headers, body } = await (caller === twins.ids.dual
        ? ask(twins, { header: twin.slug }, "/api/v1/users", call)
        : twin.owner.call("/api/v1/users", call));
      expect(status).toBe(201);
      expect(headers["x-request-id"]).toBe(requestId);
      expect(headers["etag"]).toBe(`"${twin.id}.1"`);
      expect(body).toMatchObject({ ...call.body, createdBy: caller, updatedBy: caller });
    }),
  );
  for (const [twin, parity] of [
    [left, 1],
    [right, 0],
  ] as const) {
    const rows = await rowsOf<{
      requestId: string;
      email: string;
      createdBy: string;
      actorId: string;
    }>(
      twin.db,
      `select request_id as requestId, u.email, created_by as createdBy, actor_id as actorId
        from users u join audit_logs l on l.entity = 'users' and l.entity_id = u.id
        where u.name like 'Number %' order by cast(u.email as integer)`,
    );
    expect(rows).toEqual(
      Array.from({ length: 100 }, (_, n) => {
        const i = 2 * n + parity;
        const caller = i % 4 < 2 ? twin.owner.userId : twins.ids.dual;
        const requestId = `${twin.slug}.${round}.${i}`;
        return { requestId, email: `${i}@twins.test`, createdBy: caller, actorId: caller };
      }),
    );
  }
});
