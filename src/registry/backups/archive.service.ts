import { type Caller, callerName } from "../../core/request.ts";
import type { Once } from "../../db/once.ts";
import type { Archive } from "../../tenant/backups/archive.ts";
import { startOperation } from "../operations/start.service.ts";
import { beginRestoration, beginUndo } from "../restorations/begin.service.ts";
import { getRestoration, listRestorations } from "../restorations/restorations.service.ts";
import type { WorkScope } from "../scope.ts";
import { getBackup, listBackups } from "./backups.service.ts";
import { type Asker, beginBackup, beginImport } from "./begin.service.ts";

/** How long a request waits for what it has begun. */
const patienceMs = 2500;

/** What is kept of one tenant, in the name of somebody who was let in. */
export function createArchive(work: WorkScope, tenantId: string, caller: Caller): Archive {
  const by = askerOf(caller);
  const asking = (once: Once | undefined) => (once ? { ...work, once } : work);
  return {
    listBackups: (query) => listBackups(work, tenantId, query),
    getBackup: (id) => getBackup(work, tenantId, id),
    async backUp(once) {
      const { id, operationId } = await beginBackup(asking(once), { tenantId, kind: "manual", by });
      await startOperation(work, operationId, patienceMs);
      return await getBackup(work, tenantId, id);
    },
    async takeIn(object, once) {
      const { id, operationId } = await beginImport(asking(once), { tenantId, by }, object);
      await startOperation(work, operationId, patienceMs);
      return await getBackup(work, tenantId, id);
    },
    listRestorations: (query) => listRestorations(work, tenantId, query),
    getRestoration: (id) => getRestoration(work, tenantId, id),
    async restore(wanted, once) {
      const id = await beginRestoration(asking(once), { tenantId, by }, wanted);
      await startOperation(work, id, patienceMs);
      return await getRestoration(work, tenantId, id);
    },
    async undoRestoration(restorationId, once) {
      const id = await beginUndo(asking(once), { tenantId, by }, restorationId);
      await startOperation(work, id, patienceMs);
      return await getRestoration(work, tenantId, id);
    },
  };
}

/** A key has no identity at a provider. */
export function askerOf(caller: Caller): Asker {
  if (caller.kind === "key") return { issuer: "key", subject: callerName(caller) };
  return { issuer: caller.issuer, subject: caller.subject };
}
