import { eq } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { batch } from "../../db/batch.ts";
import {
  deliverToFirstOwner,
  type FirstOwner,
  inviteFirstOwner,
} from "../../tenant/invitations/first-owner.service.ts";
import type { WorkScope } from "../scope.ts";
import { noSuchTenant } from "./admin.service.ts";
import { issuerOf } from "./provision-for-owner.steps.ts";
import { tenants } from "./tenants.table.ts";

/** For a tenant whose first invitation expired, went to the wrong address or is to be somebody else's. */
export async function inviteOwnerOf(
  scope: WorkScope,
  id: string,
  { email, name }: { readonly email: string; readonly name?: string | undefined },
): Promise<void> {
  const { db, request, actor } = scope;
  const [[tenant]] = await batch(db, "read", [
    db.select().from(tenants).where(eq(tenants.id, id)),
  ] as const);
  if (!tenant) throw noSuchTenant();
  if (tenant.status !== "active")
    throw new ApiError("conflict", `The tenant is ${tenant.status}: nobody can be let in`);
  const issuer = await issuerOf(scope, tenant);
  const owner: FirstOwner = { email, name: name ?? null };
  await inviteFirstOwner(issuer, actor, owner, { afresh: true });
  request.keepAlive(deliverToFirstOwner(issuer));
}
