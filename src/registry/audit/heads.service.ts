import { and, asc, eq, inArray, isNotNull, lt, sql } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { write } from "../../db/write.ts";
import type { Head } from "../../tenant/audit/chain.ts";
import { commit } from "../commit.ts";
import type { RegistryScope } from "../scope.ts";
import type { Located } from "../tenants/locate.service.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { auditHeads } from "./audit.table.ts";

const { tenantId, sequence, links, mac, sealedAt } = auditHeads;

export async function findHead({ db }: RegistryScope, id: string) {
  const [[head]] = await batch(db, "read", [
    db.select({ sequence, links, mac, sealedAt }).from(auditHeads).where(eq(tenantId, id)),
  ] as const);
  return head;
}

/**
 * Takes note of how far the chain is now, if nobody has since `before` was read: a head never moves
 * back but with a database that takes another's place, and never to a chain it was not part of.
 */
export async function saveHead(
  scope: RegistryScope,
  { id, databaseName }: { readonly id: string; readonly databaseName?: string },
  before: Head,
  head: Head,
) {
  const { db } = scope;
  // What was sealed in a database that has been replaced meanwhile is none of the new one's.
  const current = sql`exists (select 1 from ${tenants} t where t.id = ${id} and t.database_name = ${databaseName})`;
  const same = and(
    eq(tenantId, id),
    eq(sequence, before.sequence),
    eq(mac, before.mac),
    databaseName === undefined ? undefined : current,
  );
  await commit(scope, [write(db.update(auditHeads).set(head).where(same))]);
}

/** For tenants signed up by a release that knew of no heads, while this one was being rolled out. */
export async function addMissingHeads(scope: RegistryScope): Promise<void> {
  const { db } = scope;
  const missing = sql`from ${tenants} t
    where not exists (select 1 from ${auditHeads} h where h.tenant_id = t.id) on conflict do nothing`;
  await commit(scope, [write(insertSelect(db, auditHeads, { tenantId: sql`t.id` }, missing))]);
}

export type Due = {
  readonly tenant: Located & { readonly organizationId: string | null };
  readonly head: Head;
};

/**
 * The tenants visited longest ago, and not since `since`. They go to the end of the queue before
 * anything is done with them: whatever one of them brings down, the others have their turn.
 */
export async function takeDue(scope: RegistryScope, since: number, most: number): Promise<Due[]> {
  const { db } = scope;
  const { id, databaseName, databaseHost, sealedToken, status, databaseAccess, organizationId } =
    tenants;
  const [rows] = await batch(db, "read", [
    db
      .select({
        tenant: {
          id,
          databaseName,
          databaseHost,
          sealedToken: sql<string>`${sealedToken}`,
          organizationId,
        },
        head: { sequence, links, mac },
      })
      .from(auditHeads)
      .innerJoin(tenants, eq(id, tenantId))
      .where(
        and(
          lt(sealedAt, since),
          inArray(status, ["active", "suspended"]),
          // What takes no writes has nothing new to see to.
          eq(databaseAccess, "open"),
          isNotNull(sealedToken),
        ),
      )
      .orderBy(asc(sealedAt))
      .limit(most),
  ] as const);
  const taken = rows.map(({ tenant }) => tenant.id);
  const visited = db.update(auditHeads).set({ sealedAt: Date.now() });
  if (taken.length > 0) await commit(scope, [write(visited.where(inArray(tenantId, taken)))]);
  return rows;
}
