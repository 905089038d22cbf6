import { expect, test } from "vitest";
import { tenantMigrations } from "../../db/migrations.gen.ts";
import { codeOf } from "../../testing/client.ts";
import { newTenant, registry } from "../../testing/harness.ts";
import { newPlatformAdmin } from "../../testing/operators.ts";
import { execute } from "../../testing/raw-sql.ts";
import type { TenantHealthReport } from "./admin.schema.ts";

const report = async (id: string) => {
  const operator = await newPlatformAdmin();
  return await operator.call<TenantHealthReport>(`/api/v1/admin/tenants/${id}/health`);
};

test("a tenant's database is asked now, and tells how it is", async () => {
  const acme = await newTenant();
  const { status, body } = await report(acme.id);
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      status: "healthy",
      reachable: true,
      latencyMs: expect.any(Number),
      schemaVersion: tenantMigrations.length,
      schemaIsCurrent: true,
      isOurs: true,
      error: null,
      lastCheckup: { status: null, error: null, latencyMs: null, checkedAt: null },
      lastBackupAt: null,
    },
  });
  const own = await acme.owner.call("/api/v1/tenant/health");
  expect(own.body).toEqual({
    slug: acme.slug,
    status: "healthy",
    latencyMs: expect.any(Number),
    schemaVersion: tenantMigrations.length,
  });
  const viewer = await acme.member({ accountRole: "VIEWER" });
  expect(codeOf(await viewer.call("/api/v1/tenant/health"))).toBe("403 forbidden");
});

test("a database that is another's, is gone or cannot be opened is told apart, not a failed request", async () => {
  const [acme, globex, initech] = [await newTenant(), await newTenant(), await newTenant()];
  await execute(acme.db, "update tenant_identity set tenant_id = 'tnt_another'");
  await execute(
    registry,
    `update tenants set database_name = 'tnt-nowhere-${globex.slug}' where id = '${globex.id}'`,
    `update tenants set sealed_token = 'x' where id = '${initech.id}'`,
  );
  expect((await report(acme.id)).body).toMatchObject({
    status: "unhealthy",
    reachable: true,
    isOurs: false,
  });
  expect((await report(globex.id)).body).toMatchObject({
    status: "unhealthy",
    reachable: false,
    error: expect.stringMatching(/^dependency_unavailable: /),
  });
  expect((await report(initech.id)).body).toMatchObject({
    status: "unhealthy",
    reachable: false,
    error: expect.stringMatching(/^tenant_credentials_unreadable: /),
  });
});
