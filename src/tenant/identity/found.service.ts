import { and, eq, sql } from "drizzle-orm";
import { unavailable } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import type { Identity, RequestContext } from "../../core/request.ts";
import { batch } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { type Actor, contextOf, must, write, writeAudited } from "../../db/write.ts";
import { accounts } from "../accounts/accounts.table.ts";
import { misplaced } from "../reconsider.ts";
import { settings } from "../settings/settings.table.ts";
import { arrivalWrites } from "../users/arrival.ts";
import { userIdentities } from "../users/users.table.ts";
import { tenantIdentity } from "./identity.table.ts";

type Owner = Parameters<typeof arrivalWrites>[1];
type Founding = {
  readonly db: TenantDb;
  readonly request: RequestContext;
  readonly tenant: {
    readonly id: string;
    readonly slug: string;
    readonly name: string;
    readonly plan: string;
    readonly organizationId: string | null;
  };
};

/** Marks an empty database as this tenant's. A database that is another's is refused. */
export async function stampTenant({ db, request, tenant }: Founding): Promise<void> {
  const { now } = request;
  const stamp = [
    write(
      db
        .insert(tenantIdentity)
        .values({
          id: 1,
          tenantId: tenant.id,
          slug: tenant.slug,
          name: tenant.name,
          status: "active",
          defaultAccountId: newId("account", now),
          plan: tenant.plan,
          organizationId: tenant.organizationId,
          createdAt: now,
          updatedAt: now,
        })
        .onConflictDoNothing(),
    ),
    must(
      db
        .update(tenantIdentity)
        .set({ tenantId: tenant.id })
        .where(eq(tenantIdentity.tenantId, tenant.id)),
      () => unavailable(`The database made for ${tenant.id} belongs to another tenant`),
    ),
  ];
  await writeAudited(db, contextOf(request), stamp, []);
}

type Restamped = Partial<Pick<Founding["tenant"], "name" | "plan" | "organizationId">>;

/** What the platform's own people change of the stamp; the tenant's log names them. */
export async function restampTenant(
  { db, request, tenant }: Pick<Founding, "db" | "request"> & { tenant: { id: string } },
  by: Actor,
  { name, plan, organizationId }: { [K in keyof Restamped]: Restamped[K] | undefined },
): Promise<void> {
  const update = db
    .update(tenantIdentity)
    .set({
      ...(name !== undefined && { name }),
      ...(plan !== undefined && { plan }),
      ...(organizationId !== undefined && { organizationId }),
      version: sql`${tenantIdentity.version} + 1`,
      updatedAt: request.now,
      updatedBy: typeof by.id === "string" ? by.id : null,
    })
    .where(eq(tenantIdentity.tenantId, tenant.id));
  await writeAudited(db, contextOf(request, by), [must(update, misplaced)], []);
}

/** The first account, the settings and the first owner, if they are known, each unless it is there already. */
export async function seedTenant({ db, request, tenant }: Founding, owner?: Owner): Promise<void> {
  const { now } = request;
  const seed = [
    write(
      insertSelect(
        db,
        accounts,
        { id: sql`default_account_id`, name: tenant.name, createdAt: now, updatedAt: now },
        sql`from ${tenantIdentity} where true on conflict do nothing`,
      ),
    ),
    write(db.insert(settings).values({ id: 1, value: {}, updatedAt: now }).onConflictDoNothing()),
    ...(owner ? arrivalWrites(db, owner, { role: "owner", accountRole: "ADMIN" }, now) : []),
  ];
  await writeAudited(db, contextOf(request), seed, []);
}

/** What a registration hands back: the ids the owner's first requests need. */
export async function findFoundation(db: TenantDb, owner: Identity) {
  const [[row]] = await batch(db, "read", [
    db
      .select({ defaultAccountId: tenantIdentity.defaultAccountId, ownerId: userIdentities.userId })
      .from(tenantIdentity)
      .innerJoin(
        userIdentities,
        and(eq(userIdentities.issuer, owner.issuer), eq(userIdentities.subject, owner.subject)),
      ),
  ] as const);
  return row;
}
