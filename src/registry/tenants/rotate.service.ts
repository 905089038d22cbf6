import { and, eq, isNotNull, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { must, provided } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { operationWrites } from "../operations/begin.ts";
import { driveOperation, StepFailed } from "../operations/drive.service.ts";
import { claimOperation, LeaseHeld } from "../operations/lease.service.ts";
import { operations } from "../operations/operations.table.ts";
import type { ProvisioningScope } from "../scope.ts";
import { getTenant } from "./admin.service.ts";
import { tenants } from "./tenants.table.ts";

/** Begins to change a tenant's token, and returns the operation. The new one is in use when this returns, if all is well. */
export async function rotateCredentials(
  { once, ...scope }: ProvisioningScope,
  tenantId: string,
): Promise<string> {
  const { db, request, caller, kinds } = scope;
  const { issuer, subject } = caller;
  const id = newId("operation");
  const has = db
    .update(tenants)
    .set({ id: tenantId })
    .where(and(eq(tenants.id, tenantId), isNotNull(tenants.sealedToken)));
  const free = sql`not exists (select 1 from ${operations} where ${operations.tenantId} = ${tenantId}
    and ${operations.kind} = 'rotate' and ${operations.status} in ('pending', 'running'))`;
  const writes = [
    must(has, async () => {
      const { status } = await getTenant(scope, tenantId);
      return new ApiError("conflict", `The tenant is ${status}: it has no token`);
    }),
    provided(free, () => new ApiError("conflict", "Its token is being changed already")),
    ...operationWrites(
      db,
      { id, kind: "rotate", tenantId, issuer, subject, input: {}, now: request.now },
      kinds.rotate,
    ),
  ];
  const asking = once ? { ...scope, once } : scope;
  const [[begun]] = await commit(asking, writes, [
    db.select({ id: operations.id }).from(operations).where(eq(operations.id, id)),
  ] as const);
  if (once?.outcome !== "replayed") await begin(scope, id);
  return begun?.id ?? id;
}

/** As far as it goes at once. What fails here goes on by itself. */
async function begin(scope: ProvisioningScope, id: string): Promise<void> {
  try {
    await driveOperation(scope, await claimOperation(scope, id, scope.leaseMs));
  } catch (error) {
    if (!(error instanceof StepFailed) && !(error instanceof LeaseHeld)) throw error;
  }
}
