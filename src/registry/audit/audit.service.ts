import { batch } from "../../db/batch.ts";
import type { AuditQuery } from "../../tenant/audit/audit.schema.ts";
import { logPage } from "../../tenant/audit/audit.service.ts";
import type { RegistryScope } from "../scope.ts";

/** What was changed in the registry, by whom: the same log a tenant has of itself. */
export async function listRegistryLogs({ db }: RegistryScope, query: AuditQuery) {
  const { queries, result } = logPage(db, "audit of the registry", query);
  return result(...(await batch(db, "read", queries)));
}
