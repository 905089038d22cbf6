import { count, desc, eq, gt, sql } from "drizzle-orm";
import type { RequestContext } from "../../core/request.ts";
import { batch, statement } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { contextOf, must, writeAudited } from "../../db/write.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import { misplaced } from "../reconsider.ts";
import type { Signers } from "../scope.ts";
import { auditLinks } from "./audit.table.ts";
import { type Head, type Link, linksOver, type Place, purpose, unsealed } from "./chain.ts";
import { rowsAfter } from "./links.sql.ts";

/** The chain in the tenant's database is not the one the registry took note of. */
export class ChainCut extends Error {
  override readonly name = "ChainCut";
}

type Sealing = {
  readonly db: TenantDb;
  readonly tenantId: string;
  readonly signers: Signers;
  readonly request: RequestContext;
  /** What the registry took note of. A chain without it was cut: it is left as it is, to be found out. */
  readonly head: Head;
  /** When to stop between two pages; the rest is for the next time. */
  readonly until: number;
};

/**
 * Carries the chain on over the rows that came since, page by page, each in a transaction that does
 * nothing unless the chain still ends where it was read. So any number may seal at once, and be killed
 * anywhere. Returns where the chain ends as far as this one knows.
 */
export async function sealAuditLog(sealing: Sealing): Promise<Head> {
  const { db, tenantId, signers, head, until } = sealing;
  const [signer] = await signers(purpose);
  if (!signer) throw new Error("SECRET_KEY holds no key");
  const found = await findEnd(db, tenantId, head);
  let { place, links, rows } = found;
  while (rows.length > 0 && Date.now() < until) {
    const made = await linksOver(signer, tenantId, place, rows);
    if (!(await append(sealing, place, made))) break;
    place = made.at(-1) ?? place;
    links += made.length;
    [rows] = await batch(db, "read", [rowsAfter(db, place.sequence)] as const);
  }
  return { sequence: place.sequence, mac: place.mac, links };
}

/** Where the chain ends and what comes after, if this is the tenant's database and the chain whole. */
async function findEnd(db: TenantDb, tenantId: string, head: Head) {
  const { sequence, mac } = auditLinks;
  const newest = sql`coalesce((select max(sequence) from ${auditLinks}), 0)`;
  const [[stamp], [last], [known], [since], rows] = await batch(db, "read", [
    db.select({ tenantId: tenantIdentity.tenantId }).from(tenantIdentity),
    db.select().from(auditLinks).orderBy(desc(sequence)).limit(1),
    db.select({ mac }).from(auditLinks).where(eq(sequence, head.sequence)),
    db.select({ links: count() }).from(auditLinks).where(gt(sequence, head.sequence)),
    rowsAfter(db, newest),
  ] as const);
  if (stamp?.tenantId !== tenantId) throw misplaced();
  if (head.sequence > 0 && known?.mac !== head.mac)
    throw new ChainCut(`The audit log's chain is not the one that was sealed to ${head.sequence}`);
  return { place: last ?? unsealed, links: head.links + (since?.links ?? 0), rows };
}

/** False where somebody else has carried the chain on: they see to the rest. */
async function append(
  { db, tenantId, request }: Sealing,
  place: Place,
  made: readonly Link[],
): Promise<boolean> {
  const links = JSON.stringify(made.map(({ sequence, mac, kid }) => [sequence, mac, kid]));
  const insert = statement(
    db,
    sql`insert into ${auditLinks} (sequence, mac, kid)
    select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
    from json_each(${links})
    where (select mac from ${auditLinks} order by sequence desc limit 1) is ${place.mac || null}
      and (select tenant_id from ${tenantIdentity}) = ${tenantId}`,
  );
  const overtaken = new Error("Another one seals this log");
  const writes = [must(insert, () => overtaken)];
  return await writeAudited(db, contextOf(request), writes, []).then(
    () => true,
    (error) => {
      if (error !== overtaken) throw error;
      return false;
    },
  );
}
