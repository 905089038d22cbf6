import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { codeOf } from "../../testing/client.ts";
import { newPerson, newTenant, registry, stack, type TestTenant } from "../../testing/harness.ts";
import { keyOf } from "../../testing/keys.ts";
import { newOperator, newPlatformAdmin } from "../../testing/operators.ts";
import { startProxy } from "../../testing/proxy.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { startWorker } from "../../testing/worker.ts";

const path = "/api/v1/tenant/deletion";
const reason = "We move to another product";
const deletionOf = (slug: string) => ({ method: "POST", body: { slug, reason } });
const cancel = { method: "DELETE" };
const create = { method: "POST", body: { name: "Ada", email: "ada@acme.test" } };
const stateOf = async ({ id }: TestTenant) => {
  const [row] = await rowsOf(
    registry,
    sql`select status, delete_after, database_access
    from tenants where id = ${id}`,
  );
  return row;
};
const days = 86_400_000;

test("a tenant its owner has deleted can be read and not written for thirty days", async () => {
  const acme = await newTenant();
  const member = await acme.member({ accountRole: "ADMIN" });
  const key = await keyOf(acme.owner);
  const before = Date.now();
  const { status, body } = await acme.owner.call(path, deletionOf(acme.slug));
  const deleteAfter = Date.parse(String(body["deleteAfter"]));
  expect({ status, body }).toMatchObject({ status: 200, body: { status: "deleting" } });
  expect(deleteAfter - before).toBeGreaterThanOrEqual(30 * days);
  expect(deleteAfter - before).toBeLessThan(30 * days + 60_000);
  expect(await stateOf(acme)).toEqual({
    status: "deleting",
    delete_after: deleteAfter,
    database_access: "readOnly",
  });

  for (const person of [acme.owner, member, key])
    expect(codeOf(await person.call("/api/v1/users"))).toBe("200");
  for (const person of [acme.owner, member, key])
    expect(codeOf(await person.call("/api/v1/users", create))).toBe("403 tenant_deleting");
  expect(
    codeOf(await newPerson().call("/api/v1/tenant", { headers: { "x-tenant-id": acme.slug } })),
  ).toBe("403 tenant_forbidden");
  await expect(execute(acme.db, "update users set name = 'x'")).rejects.toThrow("is blocked");
  const mine = await acme.owner.call<{ data: object[] }>("/api/v1/tenants");
  expect(mine.body.data).toMatchObject([{ id: acme.id, status: "deleting" }]);
});

test("its owner brings it back as it was", async () => {
  const acme = await newTenant();
  await acme.owner.call(path, deletionOf(acme.slug));
  const { status, body } = await acme.owner.call(path, cancel);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { status: "active", deleteAfter: null },
  });
  expect(await stateOf(acme)).toEqual({
    status: "active",
    delete_after: null,
    database_access: "open",
  });
  expect(codeOf(await acme.owner.call("/api/v1/users", create))).toBe("201");
});

test("the log says who had it deleted, why, and who brought it back", async () => {
  const acme = await newTenant();
  await acme.owner.call(path, deletionOf(acme.slug));
  await acme.owner.call(path, cancel);
  const rows = await rowsOf(
    acme.db,
    "select actor_id, changes from audit_logs where entity = 'tenant_identity' and action = 'UPDATE' order by sequence",
  );
  expect(rows.map(({ actor_id }) => actor_id)).toEqual([acme.owner.userId, acme.owner.userId]);
  expect(rows.map(({ changes }) => JSON.parse(String(changes)))).toMatchObject([
    { status: { old: "active", new: "deleting" }, status_reason: { old: null, new: reason } },
    { status: { old: "deleting", new: "active" }, status_reason: { old: reason, new: null } },
  ]);
});

test("only an owner in person deletes a tenant, and types its slug", async () => {
  const acme = await newTenant();
  const admin = await acme.member({ tenantRole: "admin" });
  const others = [admin, await keyOf(acme.owner), await newOperator(acme, "write")];
  for (const person of others) {
    expect(codeOf(await person.call(path, deletionOf(acme.slug)))).toBe("403 forbidden");
    expect(codeOf(await person.call(path, cancel))).toBe("403 forbidden");
  }
  const mistyped = await acme.owner.call(path, deletionOf(`${acme.slug}x`));
  expect(mistyped).toMatchObject({ status: 400, body: { errors: [{ in: "body", path: "slug" }] } });
  expect(await stateOf(acme)).toMatchObject({ status: "active" });
  await acme.owner.call(path, deletionOf(acme.slug));
  for (const person of others.slice(0, 2))
    expect(codeOf(await person.call(path, cancel))).toBe("403 forbidden");
});

test("a tenant under legal hold is deleted by nobody", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  const hold = `/api/v1/admin/tenants/${acme.id}/legal-hold`;
  const held = await operator.call(hold, { method: "POST", body: { reason: "Court order 7" } });
  expect(held).toMatchObject({ status: 200, body: { legalHold: "Court order 7" } });
  const refused = await acme.owner.call(path, deletionOf(acme.slug));
  expect(codeOf(refused)).toBe("409 conflict");
  expect(refused.body["detail"]).toContain("kept for legal reasons");
  expect(JSON.stringify(refused.body)).not.toContain("Court order");
  expect(codeOf(await acme.owner.call("/api/v1/users", create))).toBe("201");
  const lifted = await operator.call(hold, { method: "DELETE" });
  expect(lifted).toMatchObject({ status: 200, body: { legalHold: null } });
  expect(codeOf(await acme.owner.call(path, deletionOf(acme.slug)))).toBe("200");
});

test("what was lost between the stamp, the registry and the platform is made up for by repeating it", async () => {
  const proxy = await startProxy(stack.settings);
  const settings = { ...stack.settings, ...proxy.settings, DATABASE_TIMEOUT_MS: "400" };
  const worker = await startWorker({ bundle: stack.bundle, settings });
  try {
    const acme = await newTenant(worker.url);
    const cutOff = () =>
      proxy.disturb({ of: ({ door }) => door === "admin", at: "request", by: "cut" });
    let outage = cutOff();
    const schedule = deletionOf(acme.slug);
    expect(codeOf(await acme.owner.call(path, schedule))).toBe("503 dependency_unavailable");
    expect(codeOf(await acme.owner.call("/api/v1/users", create))).toBe("403 tenant_deleting");
    outage.lift();
    const repeated = await acme.owner.call(path, schedule);
    expect(repeated).toMatchObject({ status: 200, body: { status: "deleting" } });
    await expect(execute(acme.db, "update users set name = 'x'")).rejects.toThrow("is blocked");
    const [stamp] = await rowsOf(acme.db, "select delete_after from tenant_identity");
    expect(await stateOf(acme)).toMatchObject({ ...stamp, database_access: "readOnly" });

    outage = proxy.disturb({
      of: ({ namespace, body }) =>
        namespace === "registry" && body.includes('update \\"tenants\\"'),
      at: "request",
      by: "cut",
    });
    expect(codeOf(await acme.owner.call(path, cancel))).toBe("503 dependency_unavailable");
    outage.lift();
    expect(codeOf(await acme.owner.call(path, cancel))).toBe("200");
    expect(await stateOf(acme)).toMatchObject({ status: "active", database_access: "open" });
    expect(codeOf(await acme.owner.call("/api/v1/users", create))).toBe("201");
  } finally {
    await worker.stop();
    await proxy.stop();
  }
});
