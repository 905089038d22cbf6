import { and, eq, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { batch } from "../../db/batch.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { must, type Write, write } from "../../db/write.ts";
import { databaseNameOf } from "../../platform/platform.ts";
import { auditHeads } from "../audit/audit.table.ts";
import { commit } from "../commit.ts";
import { ledgerEntry } from "../databases/ledger.service.ts";
import { memberships } from "../memberships/memberships.table.ts";
import { operationWrites } from "../operations/begin.ts";
import { type OperationKind, operations } from "../operations/operations.table.ts";
import type { IdentityScope, ProvisioningScope } from "../scope.ts";
import { newTenantId, WarmTaken } from "../warm/take.service.ts";
import type { ProvisionInput } from "./provision.steps.ts";
import type { ProvisionForOwnerInput } from "./provision-for-owner.steps.ts";
import type { NewTenant } from "./tenants.schema.ts";
import { tenants } from "./tenants.table.ts";

export type Reservation = { readonly tenantId: string; readonly operationId: string };

/**
 * Takes the slug: the tenant's row, its owner and the operation with all its steps, or nothing.
 * The owner's unfinished registration under the same slug is taken up again instead.
 */
export async function reserve(
  scope: ProvisioningScope,
  input: NewTenant,
  cold = false,
): Promise<Reservation> {
  const { caller, db, request, maxTenants } = scope;
  const { tenantId, takes } = await newTenantId(scope, cold);
  const operationId = newId("operation");
  const { issuer, subject } = caller;
  const { now } = request;
  const owned = sql`(select count(*) from ${memberships}
    where issuer = ${issuer} and subject = ${subject} and role = 'owner')`;
  const { slug, name } = input;
  const databaseName = databaseNameOf(tenantId);
  const owner = { issuer, subject, email: caller.email, name: caller.name };
  const asked: ProvisionInput = { slug, name, owner };
  const tenant = insertSelect(
    db,
    tenants,
    {
      id: tenantId,
      slug,
      name,
      status: "provisioning",
      databaseName,
      createdAt: now,
      updatedAt: now,
    },
    sql`where ${owned} < ${maxTenants}`,
  );
  const reservation = db
    .select({ tenantId: operations.tenantId, operationId: operations.id })
    .from(operations)
    .where(eq(operations.id, operationId));
  try {
    const writes = [
      ...takes,
      must(tenant, () => limitReached(maxTenants)),
      write(
        db
          .insert(memberships)
          .values({ issuer, subject, tenantId, role: "owner", status: "active", createdAt: now }),
      ),
      ...foundingWrites(scope, { tenantId, operationId, kind: "provision", input: asked }),
    ];
    const [[reserved]] = await commit(scope, writes, [reservation] as const);
    return reserved ?? { tenantId, operationId };
  } catch (error) {
    if (error instanceof WarmTaken) return await reserve(scope, input, true);
    const full = error instanceof ApiError && error.code === "tenant_limit_reached";
    if (!full && !isUniqueViolation(error, "tenants.slug")) throw error;
    const own = await findOwn(scope, input.slug, "provision");
    if (own?.status === "provisioning") return own;
    throw full ? error : slugTaken(input.slug, own);
  }
}

type Founding = Reservation & {
  readonly kind: "provision" | "provision_for_owner";
  readonly input: ProvisionInput | ProvisionForOwnerInput;
};

/** What goes with the row of any new tenant. */
export function foundingWrites(
  { caller, db, request, kinds }: ProvisioningScope,
  { tenantId, operationId, kind, input }: Founding,
): Write[] {
  const { issuer, subject } = caller;
  const { now } = request;
  const database = { name: databaseNameOf(tenantId), tenantId, operationId, now };
  const operation = { id: operationId, kind, tenantId, issuer, subject, input, now };
  return [
    write(db.insert(auditHeads).values({ tenantId }).onConflictDoNothing()),
    ledgerEntry(db, database),
    ...operationWrites(db, operation, kinds[kind]),
  ];
}

/** What the caller themselves registered under the slug. */
export async function findOwn({ caller, db }: IdentityScope, slug: string, kind: OperationKind) {
  const [[row]] = await batch(db, "read", [
    db
      .select({ tenantId: tenants.id, operationId: operations.id, status: tenants.status })
      .from(tenants)
      .innerJoin(operations, eq(operations.tenantId, tenants.id))
      .where(
        and(
          eq(tenants.slug, slug),
          eq(operations.kind, kind),
          eq(operations.issuer, caller.issuer),
          eq(operations.subject, caller.subject),
        ),
      ),
  ] as const);
  return row;
}

/** Whoever repeats a request because its answer was lost learns that it had worked. */
export const slugTaken = (slug: string, own: Reservation | undefined) =>
  new ApiError(
    "slug_taken",
    own ? `You registered ${slug} already: tenant ${own.tenantId}` : `The slug ${slug} is taken`,
  );

const limitReached = (limit: number) =>
  new ApiError("tenant_limit_reached", `You own ${limit} tenants, and no more are allowed`);
