import { type SQL, sql } from "drizzle-orm";
import { newId } from "../../core/id.ts";
import type { Identity } from "../../core/request.ts";
import type { AccountRole, TenantRole } from "../../core/roles.ts";
import type { TenantDb } from "../../db/connect.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { type Write, write } from "../../db/write.ts";
import { accountMembers } from "../accounts/accounts.table.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import { userIdentities, users } from "./users.table.ts";

type Seat = { readonly role: TenantRole; readonly accountRole: AccountRole | null };

/**
 * A person becomes an active user, linked to their identity and with a role in the tenant's first
 * account, if any. Where the identity is linked already, none of it touches a row.
 */
export function arrivalWrites(
  db: TenantDb,
  { issuer, subject, email, name }: Pick<Identity, "issuer" | "subject" | "email" | "name">,
  { role, accountRole }: Seat,
  now: number,
): Write[] {
  const id = newId("user", now);
  const linked: SQL = sql`exists (select 1 from ${userIdentities} where issuer = ${issuer} and subject = ${subject})`;
  const user = {
    id,
    email: sql`${email}`,
    name: name ?? sql`${email}`,
    status: "active",
    tenantRole: role,
  } as const;
  return [
    write(
      insertSelect(
        db,
        users,
        { ...user, createdAt: now, updatedAt: now },
        sql`where not ${linked}`,
      ),
    ),
    write(
      insertSelect(
        db,
        userIdentities,
        { id: newId("identity", now), issuer, subject, userId: sql`id`, email, createdAt: now },
        sql`from ${users} where id = ${id}`,
      ),
    ),
    write(
      insertSelect(
        db,
        accountMembers,
        {
          accountId: sql`default_account_id`,
          userId: id,
          role: sql`${accountRole}`,
          createdAt: now,
        },
        sql`from ${tenantIdentity} join ${users} u on u.id = ${id} where ${accountRole} is not null`,
      ),
    ),
  ];
}
