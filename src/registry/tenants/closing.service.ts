import type { Closing } from "../../tenant/scope.ts";
import type { WorkScope } from "../scope.ts";
import { rulesOf, saveStatus, statusOf, upAgain } from "./suspension.service.ts";

/**
 * What deleting a tenant takes beside its own stamp, which comes first: what the registry has of it,
 * and that the platform lets no write through. Each part may be repeated.
 */
export function createClosing(scope: WorkScope, tenantId: string): Closing {
  const find = () => statusOf(scope, tenantId, ["active", "suspended", "deleting"]);
  return {
    async isHeld() {
      return (await find()).legalHold !== null;
    },
    async close(deleteAfter, reason) {
      const tenant = await find();
      await saveStatus(scope, tenant, {
        status: "deleting",
        statusReason: reason,
        statusSince: scope.request.now,
        deleteAfter,
        databaseAccess: "readOnly",
      });
      await scope.platform.configure(tenant.databaseName, rulesOf.readOnly);
    },
    async allowWrites() {
      const { databaseName } = await find();
      await scope.platform.configure(databaseName, rulesOf.open);
    },
    async reopen() {
      await saveStatus(scope, await find(), upAgain);
    },
  };
}
