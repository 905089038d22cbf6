import { eq } from "drizzle-orm";
import { newId } from "../../core/id.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { write } from "../../db/write.ts";
import { assertRegion, databaseNameOf } from "../../platform/platform.ts";
import { commit } from "../commit.ts";
import { operations } from "../operations/operations.table.ts";
import type { ProvisioningScope } from "../scope.ts";
import type { AdminTenant, NewTenantForOwner } from "./admin.schema.ts";
import { getTenant } from "./admin.service.ts";
import { carryThrough } from "./provision.service.ts";
import type { ProvisionForOwnerInput } from "./provision-for-owner.steps.ts";
import { findOwn, foundingWrites, type Reservation, slugTaken } from "./reserve.service.ts";
import { tenants } from "./tenants.table.ts";

/**
 * Sets a tenant up for somebody else, who gets an invitation as its owner. Called again with the same
 * slug by the same operator it takes up where an earlier run stopped.
 */
export async function foundForOwner(
  { once, ...scope }: ProvisioningScope,
  input: NewTenantForOwner,
): Promise<AdminTenant | { operationId: string }> {
  assertRegion(scope.platform, input.region);
  const reservation = await reserve(once ? { ...scope, once } : scope, input);
  const outcome = await carryThrough(scope, reservation, once);
  if (outcome === "busy") return { operationId: reservation.operationId };
  return await getTenant(scope, reservation.tenantId);
}

async function reserve(scope: ProvisioningScope, input: NewTenantForOwner): Promise<Reservation> {
  const { db, request } = scope;
  const { slug, name, plan, region, ownerEmail, ownerName } = input;
  const [tenantId, operationId] = [newId("tenant"), newId("operation")];
  const owner = { email: ownerEmail, name: ownerName ?? null };
  const asked: ProvisionForOwnerInput = { slug, name, owner };
  const tenant = db.insert(tenants).values({
    id: tenantId,
    slug,
    name,
    status: "provisioning",
    ...(plan && { plan }),
    region: region ?? null,
    databaseName: databaseNameOf(tenantId),
    createdAt: request.now,
    updatedAt: request.now,
  });
  const founding = { tenantId, operationId, kind: "provision_for_owner", input: asked } as const;
  const made = db
    .select({ tenantId: operations.tenantId, operationId: operations.id })
    .from(operations)
    .where(eq(operations.id, operationId));
  try {
    const writes = [write(tenant), ...foundingWrites(scope, founding)];
    const [[reserved]] = await commit(scope, writes, [made] as const);
    return reserved ?? { tenantId, operationId };
  } catch (error) {
    if (!isUniqueViolation(error, "tenants.slug")) throw error;
    const own = await findOwn(scope, slug, "provision_for_owner");
    if (own?.status === "provisioning") return own;
    throw slugTaken(slug, own);
  }
}
