import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { batch } from "../../db/batch.ts";
import type { Problem } from "../../http/problem.ts";
import { auditLogs } from "../../registry/audit/audit.table.ts";
import {
  type Member,
  newTenant,
  registry,
  settings,
  type TestTenant,
} from "../../testing/harness.ts";
import { auditOf } from "../../testing/rows.ts";
import type { Tenant } from "./identity.schema.ts";

let acme: TestTenant;
beforeAll(async () => {
  acme = await newTenant();
});

const path = "/api/v1/tenant";
const get = async ({ owner } = acme) => (await owner.call<Tenant>(path)).body;
const patch = <T = Tenant>(
  { call }: Pick<Member, "call">,
  body: unknown,
  headers: Record<string, string> = {},
) => call<T>(path, { method: "PATCH", body, headers });

test("every active user sees the tenant they are in, and nothing of its database", async () => {
  const fresh = await newTenant();
  const plain = await fresh.member();
  const { status, headers, body } = await plain.call<Tenant>(path);
  expect(status).toBe(200);
  expect(body).toEqual({
    id: fresh.id,
    slug: fresh.slug,
    name: `Tenant ${fresh.slug}`,
    status: "active",
    deleteAfter: null,
    features: [],
    defaultAccountId: fresh.accountId,
    version: 1,
    createdAt: expect.any(String) as string,
    updatedAt: body.createdAt,
  });
  expect(headers["etag"]).toBe(`"${fresh.id}.1"`);
});

test("a new name holds in the tenant and in everybody's list of tenants, and is logged in both", async () => {
  const fresh = await newTenant();
  const before = await get(fresh);
  const requestId = randomUUID();
  const headers = { "x-request-id": requestId, "cf-connecting-ip": "203.0.113.9" };
  const {
    status,
    headers: sent,
    body,
  } = await patch(fresh.owner, { name: " Größe & Co " }, headers);
  expect(status).toBe(200);
  expect(body).toEqual({
    ...before,
    name: "Größe & Co",
    version: 2,
    updatedAt: expect.any(String) as string,
  });
  expect(sent["etag"]).toBe(`"${fresh.id}.2"`);
  expect(await get(fresh)).toEqual(body);
  const mine = await fresh.owner.call<{ data: object[] }>("/api/v1/tenants");
  expect(mine.body.data).toEqual([
    expect.objectContaining({ id: fresh.id, name: "Größe & Co" }) as object,
  ]);

  const [row, ...more] = await auditOf(fresh.owner, { requestId });
  expect(more).toEqual([]);
  expect(row).toMatchObject({
    actorType: "user",
    actorId: fresh.owner.userId,
    ip: "203.0.113.9",
    action: "UPDATE",
    entity: "tenant_identity",
    entityId: "1",
  });
  expect(row?.changes).toEqual({
    name: { old: before.name, new: "Größe & Co" },
    version: { old: 1, new: 2 },
    updated_at: { old: Date.parse(before.updatedAt), new: Date.parse(body.updatedAt) },
    updated_by: { old: null, new: fresh.owner.userId },
  });
  const [inRegistry] = await batch(registry, "read", [
    registry.select().from(auditLogs).where(eq(auditLogs.requestId, requestId)),
  ] as const);
  expect(inRegistry).toHaveLength(1);
  expect(inRegistry[0]).toMatchObject({
    actorType: "user",
    actorId: `${settings.identityProvider.issuer}|${fresh.owner.subject}`,
    entity: "tenants",
    entityId: fresh.id,
    transactionId: row?.transactionId,
    changes: { name: { old: before.name, new: "Größe & Co" } },
  });
});

test("If-Match lets a new name through only while the tenant is what the caller saw", async () => {
  const fresh = await newTenant();
  const globex = await newTenant();
  const rename = (name: string, tag: string) =>
    patch<Partial<Problem>>(fresh.owner, { name }, { "if-match": tag });
  expect((await rename("One", `"${fresh.id}.1"`)).status).toBe(200);
  const stale = await rename("Two", `"${fresh.id}.1"`);
  expect([stale.status, stale.body.code]).toEqual([412, "precondition_failed"]);
  expect((await rename("Two", `"${globex.id}.2"`)).status).toBe(412);
  expect((await rename("Two", `W/"${fresh.id}.2"`)).status).toBe(412);
  expect((await rename("Two", "2")).status).toBe(400);
  expect((await get(fresh)).name).toBe("One");
  expect((await rename("Two", "*")).status).toBe(200);
  expect((await patch(fresh.owner, { name: "Three" })).body).toMatchObject({
    name: "Three",
    version: 4,
  });
});

test("owners and admins rename the tenant; no account role does", async () => {
  const admin = await acme.member({ tenantRole: "admin" });
  const boss = await acme.member({ accountRole: "ADMIN" });
  const name = `Acme ${randomUUID()}`;
  expect((await patch(admin, { name })).status).toBe(200);
  const { status, body } = await patch<Problem>(boss, { name: "Mine" });
  expect([status, body.code]).toEqual([403, "forbidden"]);
  expect((await get()).name).toBe(name);
});

test.each<[string, unknown, string]>([
  ["nothing", {}, "name"],
  ["an empty name", { name: " " }, "name"],
  ["a name of 101 characters", { name: "a".repeat(101) }, "name"],
  ["NUL in the name", { name: "a\u0000" }, "name"],
  ["half an emoji", { name: "\ud83d" }, "name"],
  ["null", { name: null }, "name"],
  ["a slug", { name: "A", slug: "other" }, ""],
  ["a status", { name: "A", status: "suspended" }, ""],
  ["an id", { name: "A", id: "tnt_1" }, ""],
])(
  "a patch of the tenant that holds %s is refused, and the answer says where",
  async (_, body, at) => {
    const answer = await patch<Problem>(acme.owner, body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors?.map((error) => [error.in, error.path])).toEqual([["body", at]]);
  },
);
