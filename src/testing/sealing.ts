import { expect } from "vitest";
import { createSigners } from "../core/mac.ts";
import { systemRequest } from "../core/request.ts";
import type { TenantDb } from "../db/connect.ts";
import { findHead, saveHead } from "../registry/audit/heads.service.ts";
import { type Head, unsealed } from "../tenant/audit/chain.ts";
import { sealAuditLog } from "../tenant/audit/seal.service.ts";
import type { AuditVerification } from "../tenant/audit/verification.schema.ts";
import { newTenant, type Person, registry, settings, type TestTenant } from "./harness.ts";
import { execute, rowsOf } from "./raw-sql.ts";

const request = systemRequest("test");
const registryScope = { db: registry, request, actor: { type: "system", id: "test" } } as const;

export const headOf = ({ id }: Pick<TestTenant, "id">) => findHead(registryScope, id);

/** A tenant whose owner was seen: nothing adds to its log by itself any more. */
export async function newSeenTenant(...where: Parameters<typeof newTenant>): Promise<TestTenant> {
  const tenant = await newTenant(...where);
  await tenant.owner.call("/api/v1/tenant");
  await expect.poll(() => rowsOf(tenant.db, "select * from user_sessions")).toHaveLength(1);
  return tenant;
}

/** Carries the chain on in the tenant's database alone, as a job does that dies before the registry. */
export async function sealHalf(
  { id, db }: Pick<TestTenant, "id" | "db">,
  ring = settings.SECRET_KEY,
  head?: Head,
): Promise<Head> {
  const signers = createSigners(ring);
  const known = head ?? (await headOf({ id })) ?? unsealed;
  const until = Date.now() + 60_000;
  return await sealAuditLog({ db, tenantId: id, signers, request, head: known, until });
}

/** Seals one tenant's log as the job does: in its own database first, then the registry takes note. */
export async function seal(tenant: TestTenant, ring = settings.SECRET_KEY): Promise<Head> {
  const before = (await headOf(tenant)) ?? unsealed;
  const head = await sealHalf(tenant, ring, before);
  await saveHead(registryScope, { id: tenant.id }, before, head);
  return head;
}

export async function verify({ call }: Pick<Person, "call">, from?: number) {
  const query = from === undefined ? "" : `?from=${from}`;
  const path = `/api/v1/audit-logs/verification${query}`;
  const { status, body } = await call<AuditVerification>(path);
  if (status !== 200) throw new Error(`verification: ${status} ${JSON.stringify(body)}`);
  return body;
}

/** Rows in the log, as if so many things had happened. */
export const fillLog = (db: TenantDb, rows: number, changes = "{}"): Promise<void> =>
  execute(
    db,
    `insert into audit_logs (actor_type, actor_id, entity, entity_id, action, changes, at)
      with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})
      select 'system', 'system', 'things', 'thing_' || i, 'UPDATE', '${changes}', cast(unixepoch('subsec') * 1000 as integer) from n`,
  );

/** What has to go before somebody with all of SQL can do as they like. */
export const disarm = (db: TenantDb): Promise<void> =>
  execute(
    db,
    ...["update", "delete", "replace"].map((event) => `drop trigger audit_logs_no_${event}`),
  );
