import { and, eq, sql } from "drizzle-orm";
import { ApiError, invalidField } from "../../core/error.ts";
import { must, provided } from "../../db/write.ts";
import { assertAdmitted } from "../admit.ts";
import { commit } from "../commit.ts";
import type { TenantScope } from "../scope.ts";
import { touched } from "../stamps.ts";
import type { Deletion } from "./deletion.schema.ts";
import type { Tenant } from "./identity.schema.ts";
import { getTenant, profile, toTenant } from "./identity.service.ts";
import { tenantIdentity } from "./identity.table.ts";

const dayMs = 86_400_000;

/**
 * From now on the tenant can only be read; when its days are over it is destroyed. The stamp first:
 * whoever repeats the request makes the rest true where it was lost.
 */
export async function scheduleDeletion(
  scope: TenantScope,
  { slug, reason }: Deletion,
): Promise<Tenant> {
  const { db, request, closing, quotas } = scope;
  const { tenantStatus } = await assertAdmitted(scope, "read");
  if (await closing.isHeld())
    throw new ApiError(
      "conflict",
      "This tenant is kept for legal reasons: ask the platform's operators",
    );
  const later = request.now + quotas.deletionDays * dayMs;
  if (tenantStatus === "deleting") {
    const tenant = await getTenant(scope);
    await closing.close(
      tenant.deleteAfter ? Date.parse(tenant.deleteAfter) : later,
      reason ?? null,
    );
    return tenant;
  }
  const deleteAfter = later;
  const update = db
    .update(tenantIdentity)
    .set({
      status: "deleting",
      statusReason: reason ?? null,
      deleteAfter,
      ...touched(tenantIdentity.version, request.now),
    })
    .where(eq(tenantIdentity.status, "active"));
  const typed = provided(sql`(select slug from ${tenantIdentity}) = ${slug}`, () => mistyped());
  const changed = () => new ApiError("conflict", "The tenant is not active");
  const [rows] = await commit(scope, [typed, must(update, changed)], [profile(scope)] as const);
  await closing.close(deleteAfter, reason ?? null);
  return toTenant(scope, rows);
}

/** The tenant is as it was before, as long as it has not begun to be destroyed. */
export async function cancelDeletion(scope: TenantScope): Promise<Tenant> {
  const { db, request, closing } = scope;
  const { tenantStatus } = await assertAdmitted(scope, "write");
  if (tenantStatus === "active") {
    // Where only the stamp had been changed back, the rest is made true.
    await closing.allowWrites();
    await closing.reopen();
    return await getTenant(scope);
  }
  await closing.allowWrites();
  const update = db
    .update(tenantIdentity)
    .set({
      status: "active",
      statusReason: null,
      deleteAfter: null,
      ...touched(tenantIdentity.version, request.now),
    })
    .where(and(eq(tenantIdentity.status, "deleting")));
  const late = () => new ApiError("conflict", "It is too late: the tenant is being destroyed");
  const [rows] = await commit(scope, [must(update, late)], [profile(scope)] as const);
  await closing.reopen();
  return toTenant(scope, rows);
}

const mistyped = () => {
  const message = "is not the slug of this tenant";
  return invalidField(`slug: ${message}`, { in: "body", path: "slug", message });
};
