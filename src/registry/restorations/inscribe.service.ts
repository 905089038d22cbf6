import { sql } from "drizzle-orm";
import { statement } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { write, writeAudited } from "../../db/write.ts";
import { tenantIdentity } from "../../tenant/identity/identity.table.ts";
import { findHead } from "../audit/heads.service.ts";
import { contextIn, type Held } from "../databases/hold.service.ts";
import type { Work } from "../operations/kind.ts";
import type { WorkScope } from "../scope.ts";

type Source = { readonly backupId?: string; readonly takenAt: number };

/**
 * Makes a database of the past one of the present: the tenant is suspended or not as it is now, and its
 * log says, for good, that it was brought back, from what, and how far the log went that it replaces.
 */
export async function inscribe(
  scope: WorkScope,
  work: Work,
  db: TenantDb,
  { backupId = "", takenAt }: Source,
): Promise<void> {
  const { operation, tenant } = work;
  const { status = tenant.status === "suspended" ? "suspended" : "active" } =
    operation.output as Partial<Held>;
  const head = await findHead(scope, tenant.id);
  const told = {
    backupId,
    takenAt: new Date(takenAt).toISOString(),
    replaced: head?.sequence ?? 0,
  };
  const unheard = sql`not exists (select 1 from audit_logs
    where entity = 'restorations' and entity_id = ${operation.id})`;
  const present = db
    .update(tenantIdentity)
    .set({
      status,
      statusReason: null,
      deleteAfter: null,
      plan: tenant.plan,
      organizationId: tenant.organizationId,
      heldAt: null,
      updatedAt: Date.now(),
    })
    .where(unheard);
  const entry = sql`insert into audit_entries select 'restorations', ${operation.id}, 'INSERT',
    ${JSON.stringify(Object.keys(told))}, '[]', ${JSON.stringify(Object.values(told))}, '' where ${unheard}`;
  const writes = [write(present), write(statement(db, entry))];
  await writeAudited(db, contextIn(scope, work), writes, []);
}
