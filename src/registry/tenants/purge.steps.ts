import { eq, inArray } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { write } from "../../db/write.ts";
import { ChainCut, sealAuditLog } from "../../tenant/audit/seal.service.ts";
import { changeStatus, stampOf } from "../../tenant/identity/status.service.ts";
import { findHead, saveHead } from "../audit/heads.service.ts";
import { backups } from "../backups/backups.table.ts";
import { databases } from "../databases/databases.table.ts";
import { memberships } from "../memberships/memberships.table.ts";
import { Hopeless, type Kind, type Step, type Work } from "../operations/kind.ts";
import { operations } from "../operations/operations.table.ts";
import { openOf } from "./locate.service.ts";
import { rulesOf, upAgain } from "./suspension.service.ts";

const sealMs = 15_000;

/** From here on nobody brings the tenant back: decided in its own stamp, where bringing it back is. */
const condemn: Step = async (scope, { tenant }) => {
  const { platform, request, actor } = scope;
  const { id, databaseName, legalHold } = tenant;
  if (legalHold) throw new Hopeless("The tenant is kept for legal reasons");
  // What a run that was cut off has destroyed already needs no more words.
  const output = { condemned: true };
  if (!(await platform.findDatabase(databaseName))) return { output };
  await platform.configure(databaseName, { ...rulesOf.open, deleteProtection: false });
  const db = await openOf(scope, tenant);
  await changeStatus(
    { db, request, actor },
    {
      tenantId: id,
      from: ["deleting", "purging"],
      to: "purging",
      reason: tenant.statusReason,
      dueAt: Date.now(),
    },
    () => new Hopeless("The tenant was brought back"),
  );
  return { output };
};

/** What was sealed stays provable: where the chain ended is kept with the receipt. */
const sealLog: Step = async (scope, { tenant }) => {
  const { id, databaseName } = tenant;
  const head = await findHead(scope, id);
  if (!head || !(await scope.platform.findDatabase(databaseName))) return {};
  const { signers, request } = scope;
  const db = await openOf(scope, tenant);
  const until = Date.now() + sealMs;
  try {
    const sealed = await sealAuditLog({ db, tenantId: id, signers, request, head, until });
    await saveHead(scope, { id, databaseName }, head, sealed);
    const { sequence, links, mac } = sealed;
    const output = { auditLog: { sequence, links, mac } };
    return Date.now() < until ? { output } : { output, againAfterMs: 0 };
  } catch (error) {
    if (!(error instanceof ChainCut)) throw error;
    return { output: { auditLog: { sequence: head.sequence, cut: true } } };
  }
};

/** The current one, those it took the place of, and whatever else was ever made for it. */
const deleteDatabases: Step = async (scope, { tenant }) => {
  const { db, platform } = scope;
  // Those that are gone, too: what was made late may be there after all.
  const theirs = eq(databases.tenantId, tenant.id);
  const [rows] = await batch(db, "read", [
    db.select({ name: databases.name }).from(databases).where(theirs),
  ] as const);
  const names = rows.map(({ name }) => name);
  for (const name of names) await platform.deleteDatabase(name);
  const gone = db.update(databases).set({ state: "gone", updatedAt: Date.now() });
  const also = names.length > 0 ? [write(gone.where(inArray(databases.name, names)))] : [];
  return { output: { databases: names }, also };
};

const deleteBackups: Step = async (scope, { tenant: { id } }) => {
  await scope.store?.deleteAll(`tenants/${id}/`);
  return { also: [write(scope.db.delete(backups).where(eq(backups.tenantId, id)))] };
};

/** The row stays, and its slug with it: it will never be somebody else's. */
const bury: Step = async ({ db, store }, { tenant: { id } }) => {
  await store?.deleteAll(`tenants/${id}/`);
  // Who asked for what stays; their names and addresses do not.
  const forgotten = db.update(operations).set({ input: {} }).where(eq(operations.tenantId, id));
  return {
    tenant: {
      status: "deleted",
      statusSince: Date.now(),
      sealedToken: null,
      tokenExpiresAt: null,
      organizationId: null,
      metadata: {},
    },
    also: [write(db.delete(memberships).where(eq(memberships.tenantId, id))), write(forgotten)],
  };
};

/** Destroys a tenant whose days are over. What is left is the receipt. */
export const purge: Kind = {
  isPastReturn: ({ operation }: Work) => operation.output["condemned"] === true,
  steps: {
    condemn,
    seal_log: sealLog,
    delete_backups: deleteBackups,
    delete_databases: deleteDatabases,
    bury,
  },
  undo: {
    /** Only what was not condemned is given up: what its stamp says is what it is. */
    follow_stamp: async (scope, { tenant }) => {
      const { platform } = scope;
      if (!(await platform.findDatabase(tenant.databaseName))) return {};
      const stamp = await stampOf(await openOf(scope, tenant));
      if (stamp?.status === "active") {
        await platform.configure(tenant.databaseName, rulesOf.open);
        return { tenant: upAgain };
      }
      await platform.configure(tenant.databaseName, rulesOf.readOnly);
      return { tenant: { deleteAfter: stamp?.deleteAfter ?? tenant.deleteAfter } };
    },
  },
};
