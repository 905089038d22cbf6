import { type SQL, sql } from "drizzle-orm";
import { newId } from "../../core/id.ts";
import type { Identity } from "../../core/request.ts";
import type { AccountRole, TenantRole } from "../../core/roles.ts";
import type { TenantDb } from "../../db/connect.ts";
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
  { issuer, subject, email, name }: Identity,
  { role, accountRole }: Seat,
  now: number,
): Write[] {
  const id = newId("user", now);
  const linked: SQL = sql`exists (select 1 from ${userIdentities} where issuer = ${issuer} and subject = ${subject})`;
  return [
    write(
      db.insert(users).select(sql`select ${id}, ${email}, ${name ?? email}, null, 'active', ${role},
        1, ${now}, ${now}, null, null, null, null, null where not ${linked}`),
    ),
    write(
      db
        .insert(userIdentities)
        .select(
          sql`select ${newId("identity", now)}, ${issuer}, ${subject}, id, ${email}, ${now} from ${users} where id = ${id}`,
        ),
    ),
    write(
      db
        .insert(accountMembers)
        .select(sql`select default_account_id, u.id, ${accountRole}, ${now}, 1
        from ${tenantIdentity} join ${users} u on u.id = ${id} where ${accountRole} is not null`),
    ),
  ];
}
