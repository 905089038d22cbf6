import { eq, type SQL, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { backupMsOf } from "../../core/plans.ts";
import { batch } from "../../db/batch.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { must } from "../../db/write.ts";
import type { ObjectStore } from "../../object-store/object-store.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import { auditHeads } from "../audit/audit.table.ts";
import { commit } from "../commit.ts";
import { isUnderWay } from "../databases/exclusive.ts";
import { ledgerEntry } from "../databases/ledger.service.ts";
import { importing } from "../imports/import.steps.ts";
import { operationWrites } from "../operations/begin.ts";
import type { Kind } from "../operations/kind.ts";
import type { RegistryScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { type BackupInput, backup } from "./backup.steps.ts";
import { backups } from "./backups.table.ts";
import { storeOf } from "./store.ts";

/** Who asks, as the operation has it. */
export type Asker = { readonly issuer: string; readonly subject: string };
export type AskingScope = RegistryScope & { readonly store?: ObjectStore | undefined };
type Wanted = {
  readonly tenantId: string;
  readonly kind: "scheduled" | "manual";
  readonly by: Asker;
};

/**
 * Asks for a backup of a tenant, one at a time. The head of its log is put down first: the copy that is
 * made later holds it for certain.
 */
export const beginBackup = (scope: AskingScope, wanted: Wanted) =>
  begin(scope, wanted, { kind: "backup", steps: backup, more: {}, sealed: sql`1` });

/** Asks for an export that lies in the bucket to become a backup. Its log is sealed anew. */
export const beginImport = (scope: AskingScope, wanted: Omit<Wanted, "kind">, object: string) =>
  begin(
    scope,
    { ...wanted, kind: "manual" },
    { kind: "import", steps: importing, more: { object }, sealed: sql`0` },
  );

type Making = {
  readonly kind: "backup" | "import";
  readonly steps: Kind;
  readonly more: object;
  readonly sealed: SQL;
};

async function begin(scope: AskingScope, wanted: Wanted, { kind, steps, more, sealed }: Making) {
  const { tenantId, by } = wanted;
  storeOf(scope);
  const { db } = scope;
  const now = Date.now();
  const [id, operationId] = [newId("backup", now), newId("operation", now)];
  const prefix = `tenants/${tenantId}/${id}/`;
  const row = insertSelect(
    db,
    backups,
    {
      id,
      tenantId: sql`t.id`,
      operationId,
      kind: wanted.kind,
      status: "running",
      prefix,
      headSequence: sql`iif(${sealed}, coalesce(h.sequence, 0), 0)`,
      headLinks: sql`iif(${sealed}, coalesce(h.links, 0), 0)`,
      headMac: sql`iif(${sealed}, coalesce(h.mac, ''), '')`,
      expiresAt: now + backupMsOf(await planOf(scope, tenantId)),
      createdAt: now,
      updatedAt: now,
    },
    sql`from ${tenants} t left join ${auditHeads} h on h.tenant_id = t.id
      where t.id = ${tenantId} and t.status in ('active', 'suspended', 'deleting')
        and not ${isUnderWay(sql`t.id`, [kind, "purge"])}`,
  );
  const input: BackupInput = { backupId: id, prefix, ...more };
  const asked = { id: operationId, kind, tenantId, ...by, input, now };
  const name = databaseNameOf(tenantId, operationId);
  const copies = kind === "backup" ? [ledgerEntry(db, { name, tenantId, operationId, now })] : [];
  const writes = [
    must(row, () => new ApiError("conflict", "A backup of this tenant is being made already")),
    ...copies,
    ...operationWrites(db, asked, steps),
  ];
  const [[begun]] = await commit(scope, writes, [
    db
      .select({ id: backups.id, operationId: backups.operationId })
      .from(backups)
      .where(eq(backups.id, id)),
  ] as const);
  return begun ?? { id, operationId };
}

async function planOf({ db }: RegistryScope, tenantId: string): Promise<string> {
  const [[row]] = await batch(db, "read", [
    db.select({ plan: tenants.plan }).from(tenants).where(eq(tenants.id, tenantId)),
  ] as const);
  if (!row) throw new ApiError("not_found", "No such tenant");
  return row.plan;
}
