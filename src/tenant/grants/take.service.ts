import { sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { callerName, type Identity } from "../../core/request.ts";
import { batch } from "../../db/batch.ts";
import { contextOf, provided, write, writeAudited } from "../../db/write.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import { misplaced } from "../reconsider.ts";
import type { TenantScope } from "../scope.ts";
import { userIdentities, users } from "../users/users.table.ts";
import type { AccessGrant, GrantsQuery, NewGrant } from "./grants.schema.ts";
import { ending, grantPage, grantQuery, toGrant } from "./grants.service.ts";
import { accessGrants } from "./grants.table.ts";

/** A confirmed platform admin before the door of a tenant: they may take a grant, and see who has one. */
export type Door = Pick<TenantScope, "db" | "request" | "once"> & {
  readonly tenant: { readonly id: string };
  readonly operator: Identity;
};

/** Lets the platform admin themselves in, for the reason they give: written where the tenant sees it. */
export async function takeGrant(
  door: Door,
  { reason, minutes, mode }: NewGrant,
): Promise<AccessGrant> {
  const { db, request, operator, once } = door;
  const { issuer, subject, email } = operator;
  const { now } = request;
  const id = newId("grant", now);
  const belongs = sql`exists (select 1 from ${userIdentities} i
    join ${users} u on u.id = i.user_id and u.deleted_at is null
    where i.issuer = ${issuer} and i.subject = ${subject})`;
  const grant = { id, issuer, subject, email, reason, mode };
  const writes = [
    isTheirs(door),
    provided(
      sql`not ${belongs}`,
      () => new ApiError("already_member", "You belong to this tenant: act as yourself"),
    ),
    write(
      db
        .insert(accessGrants)
        .values({ ...grant, createdAt: now, expiresAt: now + minutes * 60_000 }),
    ),
  ];
  const context = { ...contextOf(request, actorOf(operator)), reason: sql`${reason}` };
  const work = writeAudited(db, context, writes, [grantQuery(db, id)] as const, once);
  request.keepAlive(work);
  const [[row]] = await work;
  return toGrant(row, now);
}

export async function listGrantsAtDoor({ db, tenant, request }: Door, query: GrantsQuery) {
  const { queries, result } = grantPage(db, tenant.id, query, request.now);
  const stamp = db.select({ tenantId: tenantIdentity.tenantId }).from(tenantIdentity);
  const [[found], ...rows] = await batch(db, "read", [stamp, ...queries] as const);
  if (found?.tenantId !== tenant.id) throw misplaced();
  return result(rows);
}

/** One's own or a colleague's. */
export async function endGrantAtDoor(door: Door, id: string): Promise<void> {
  const { db, request, operator } = door;
  const writes = [isTheirs(door), ending(db, id, request.now)];
  const work = writeAudited(db, contextOf(request, actorOf(operator)), writes, []);
  request.keepAlive(work);
  await work;
}

/** The database is the tenant's that was asked for, and nobody else's. */
const isTheirs = ({ tenant }: Door) =>
  provided(
    sql`exists (select 1 from ${tenantIdentity} where id = 1 and tenant_id = ${tenant.id})`,
    misplaced,
  );

const actorOf = (operator: Identity) => ({ type: "operator", id: callerName(operator) }) as const;
