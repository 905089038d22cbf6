import { and, eq, notInArray, sql } from "drizzle-orm";
import { must, provided, write } from "../../db/write.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import type { Head } from "../../tenant/audit/chain.ts";
import { auditHeads } from "../audit/audit.table.ts";
import { findHead } from "../audit/heads.service.ts";
import { type Found, Hopeless, type Tenant, type Work } from "../operations/kind.ts";
import type { WorkScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { keepToken } from "../tenants/token-vault.ts";
import { databases } from "./databases.table.ts";
import { doomed, findInLedger, ledgerChange } from "./ledger.service.ts";

/** What no tenant is to be served from any more. */
const over: readonly (typeof databases.$inferSelect)["state"][] = ["doomed", "gone"];

/** The database this operation makes. */
export const madeBy = ({ tenant, operation }: Work): string =>
  databaseNameOf(tenant.id, operation.id);

/** What a swap leaves behind, so that it can be taken back. */
export type Swapped = { readonly former: string; readonly formerHead: Head };

type Swap = {
  readonly to: string;
  /** Where the log's chain ends in the new one; as it is where it is the same log. */
  readonly head?: Head | undefined;
  readonly tenant?: Partial<Tenant>;
};

/**
 * From here on the other database is the tenant's: one batch moves the pointer, the ledger and the head
 * of the log. The one it replaces is kept for a while.
 */
export async function swap(
  scope: WorkScope,
  work: Work,
  { to, head, tenant }: Swap,
): Promise<Found> {
  const { id, databaseName: former } = work.tenant;
  if (former === to) return {};
  const [row, before] = await Promise.all([findInLedger(scope, to), findHead(scope, id)]);
  if (!row || over.includes(row.state)) throw new Hopeless("The other database is no more");
  const token = await keepToken(scope.keyRing, id, await scope.platform.mintToken(to));
  const current = scope.db
    .update(databases)
    .set({ state: "current", keepUntil: null, updatedAt: Date.now() })
    .where(and(eq(databases.name, to), notInArray(databases.state, [...over])));
  const keepUntil = Date.now() + scope.keepFormerMs;
  const anchor = head && scope.db.update(auditHeads).set(head).where(eq(auditHeads.tenantId, id));
  const formerHead = before && { sequence: before.sequence, links: before.links, mac: before.mac };
  return {
    tenant: {
      ...tenant,
      databaseName: to,
      databaseHost: row.host,
      ...token,
    },
    output: { former, formerHead },
    also: [
      provided(
        sql`exists (select 1 from ${tenants} where id = ${id} and status = 'active')`,
        () => new Hopeless("The tenant was suspended or is being deleted"),
      ),
      must(current, () => new Hopeless("The other database is no more")),
      ledgerChange(scope, former, { state: "former", keepUntil }),
      ...(anchor ? [write(anchor)] : []),
    ],
  };
}

/** Whether another database has taken the tenant's place. */
export const hasSwapped = ({ operation }: Work): boolean =>
  (operation.output as Partial<Swapped>).former !== undefined;

/** Undoing: what it made is no more, unless it is the tenant's by now. */
export async function deleteMade(scope: WorkScope, work: Work): Promise<Found> {
  const name = madeBy(work);
  if (work.tenant.databaseName === name) return {};
  await scope.platform.deleteDatabase(name);
  return { also: [ledgerChange(scope, name, doomed())] };
}
