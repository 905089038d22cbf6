import { and, count, desc, gt, lte } from "drizzle-orm";
import { iso } from "../../db/columns.ts";
import { isMisfit } from "../../db/faults.ts";
import { read } from "../read.ts";
import type { TenantScope } from "../scope.ts";
import { idOfRow } from "./audit.service.ts";
import { auditLinks, auditLogs } from "./audit.table.ts";
import {
  added,
  type Flaw,
  followChain,
  type Head,
  type Place,
  purpose,
  unsealed,
} from "./chain.ts";
import { linksAfter, rowsAfter, straysIn } from "./links.sql.ts";
import type { AuditVerification } from "./verification.schema.ts";

const mostRows = 5000;
const longestMs = 2500;

type Walk = { verified: number; flaw?: Flaw; next: number | null };

/**
 * Follows the chain over the log after row `from`, for as long as a request may take. What the
 * registry knows of the chain is asked before the tenant's database is: the log may be sealed on
 * meanwhile, and never back.
 */
export async function verifyAuditLog(scope: TenantScope, from: number): Promise<AuditVerification> {
  const { db, directory } = scope;
  const [[strays]] = await read(scope, [straysIn(db)] as const);
  const head = (await directory.findAuditHead()) ?? { ...unsealed, sealedAt: 0 };
  const { verified, flaw, next } =
    from === 0 && strays?.below
      ? brokenBy(stray(strays.below))
      : withStray(await walkFrom(scope, head, from), strays?.above);
  const [[all], [later]] = await read(scope, [
    db.select({ rows: count() }).from(auditLogs),
    db.select({ rows: count() }).from(auditLogs).where(gt(auditLogs.sequence, head.sequence)),
  ] as const);
  return {
    status: flaw ? "broken" : next === null ? "intact" : "incomplete",
    verified,
    sealedTo: head.sequence,
    sealedAt: head.sealedAt > 0 ? iso(head.sealedAt) : null,
    rows: all?.rows ?? 0,
    unsealed: later?.rows ?? 0,
    next,
    broken: flaw ? { ...flaw, id: idOfRow(flaw.sequence) } : null,
  };
}

/** Without its table, or with another of that name, the chain is as good as cut at the beginning. */
async function walkFrom(scope: TenantScope, head: Head, from: number): Promise<Walk> {
  try {
    return await walk(scope, head, from);
  } catch (error) {
    if (head.sequence === 0 || !isMisfit(error)) throw error;
    return brokenBy(cutAt(1, head));
  }
}

async function walk(scope: TenantScope, head: Head, from: number): Promise<Walk> {
  const { db, tenant, request } = scope;
  const seal = { tenantId: tenant.id, signers: await scope.signers(purpose), head };
  let place: Place = from > 0 ? await placeBefore(scope, from) : unsealed;
  let verified = 0;
  while (verified < mostRows && Date.now() < request.now + longestMs) {
    const [rows, links] = await read(scope, [
      rowsAfter(db, place.sequence),
      linksAfter(db, place.sequence),
    ] as const);
    if (links.length === 0) return { verified, ...tailOf(place.sequence, head), next: null };
    const step = await followChain(seal, place, rows, links);
    verified += step.verified;
    place = step.place;
    if (step.flaw) return { verified, flaw: step.flaw, next: null };
  }
  return { verified, next: place.sequence };
}

/** After row `from`, and the last link up to there: an earlier call has judged both. */
async function placeBefore(scope: TenantScope, from: number): Promise<Place> {
  const { sequence, mac } = auditLinks;
  const [[link]] = await read(scope, [
    scope.db
      .select({ mac })
      .from(auditLinks)
      .where(and(lte(sequence, from), gt(sequence, 0)))
      .orderBy(desc(sequence))
      .limit(1),
  ] as const);
  return { sequence: from, mac: link?.mac ?? unsealed.mac };
}

const tailOf = (end: number, head: Head): { flaw?: Flaw } =>
  end < head.sequence ? { flaw: cutAt(end + 1, head) } : {};

const cutAt = (sequence: number, head: Head): Flaw => ({
  sequence,
  finding: "cut",
  detail: `The log was sealed up to ${head.sequence}, ${head.links} rows in all; from here on rows or links are gone`,
});

const stray = (sequence: string): Flaw =>
  added(Number(sequence), `No row comes to stand at ${sequence} by itself`);

/** A row beyond any end is the last there can be: whatever else is broken comes before it. */
const withStray = (walk: Walk, above: string | null | undefined): Walk =>
  above && walk.next === null ? { flaw: stray(above), ...walk } : walk;

const brokenBy = (flaw: Flaw): Walk => ({ verified: 0, flaw, next: null });
