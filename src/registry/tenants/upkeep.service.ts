import type { Head } from "../../tenant/audit/chain.ts";
import { sealAuditLog } from "../../tenant/audit/seal.service.ts";
import { examine } from "../../tenant/identity/examine.ts";
import { deliverUnsent } from "../../tenant/invitations/unsent.ts";
import { misplaced } from "../../tenant/reconsider.ts";
import { tidyTenant } from "../../tenant/tidy.ts";
import { addMissingHeads, type Due, saveHead, takeDue } from "../audit/heads.service.ts";
import type { JobScope } from "../scope.ts";
import { type Checkup, describeIllness, saveCheckups } from "./health.service.ts";
import { addressOf } from "./locate.service.ts";

/** Well within what a Worker may do at one call of the clock: connections, requests, time and CPU. */
const mostTenants = 500;
const mostRows = 300_000;
const runMs = 4 * 60_000;
const atOnce = 6;
const takenAtOnce = 2 * atOnce;
/** A log that is far behind is caught up with over several visits. */
const visitMs = 20_000;

/**
 * Visits the tenants that were visited longest ago: seals their logs, sends the mails that did not
 * leave, throws away what they no longer need, and notes how they are. What goes wrong with one of them
 * is put down, and it waits for its next turn.
 */
export async function lookAfterTenants(scope: JobScope) {
  const began = Date.now();
  const done = { tenants: 0, failed: 0, rows: 0, mails: 0, deleted: 0 };
  const visit = async (due: Due): Promise<Checkup> => {
    const tenantId = due.tenant.id;
    done.tenants++;
    try {
      const { rows, mails, deleted, latencyMs } = await lookAfter(scope, due);
      done.rows += rows;
      done.mails += mails;
      done.deleted += deleted;
      return { tenantId, latencyMs, error: null };
    } catch (error) {
      done.failed++;
      scope.failed(tenantId, error);
      return { tenantId, latencyMs: null, error: describeIllness(error) };
    }
  };
  await addMissingHeads(scope);
  while (done.tenants < mostTenants && done.rows < mostRows && Date.now() - began < runMs) {
    const queue = (await takeDue(scope, began, takenAtOnce)).values();
    const checkups: Checkup[] = [];
    const visitor = async () => {
      for (const due of queue) checkups.push(await visit(due));
    };
    const before = done.tenants;
    await Promise.all(Array.from({ length: atOnce }, visitor));
    await saveCheckups(scope, checkups);
    if (done.tenants === before) break;
  }
  return done;
}

/** The tenant's database first: a registry that is behind it is caught up with the next time. */
async function lookAfter(scope: JobScope, { tenant, head }: Due) {
  const { request, signers } = scope;
  const address = await addressOf(tenant, scope.platform, scope.keyRing);
  // The time to write down what was begun comes on top.
  const db = scope.openTenant(address, tenant.id, 2 * visitMs);
  const { latencyMs, stamp } = await examine(db);
  if (stamp?.tenantId !== tenant.id) throw misplaced();
  const until = Date.now() + visitMs;
  const sealing = { db, tenantId: tenant.id, signers, request, head, until };
  const sealed: Head = await sealAuditLog(sealing);
  if (sealed.sequence > head.sequence) await saveHead(scope, tenant, head, sealed);
  const mails = await deliverUnsent({ tenant, signers, db, request, post: scope.post(tenant) });
  return {
    rows: sealed.links - head.links,
    mails,
    latencyMs,
    deleted: await tidyTenant(db, request),
  };
}
