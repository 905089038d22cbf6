import { and, eq, sql } from "drizzle-orm";
import { unavailable } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import type { Identity, RequestContext } from "../../core/request.ts";
import { batch } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { contextOf, must, write, writeAudited } from "../../db/write.ts";
import { accounts } from "../accounts/accounts.table.ts";
import { settings } from "../settings/settings.table.ts";
import { arrivalWrites } from "../users/arrival.ts";
import { userIdentities } from "../users/users.table.ts";
import { tenantIdentity } from "./identity.table.ts";

type Owner = Parameters<typeof arrivalWrites>[1];
type Founding = {
  readonly db: TenantDb;
  readonly request: RequestContext;
  readonly tenant: { readonly id: string; readonly slug: string; readonly name: string };
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

/** The first account, the settings and the first owner, each unless it is there already. */
export async function seedTenant({ db, request, tenant }: Founding, owner: Owner): Promise<void> {
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
    ...arrivalWrites(db, owner, { role: "owner", accountRole: "ADMIN" }, now),
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
