import { sql } from "drizzle-orm";
import type { TenantDb } from "../db/connect.ts";

/** What is really stored under this address: rows, and what the log says of them. */
export async function stored({ db }: { db: TenantDb }, email: string) {
  const [row] = await db.all<{ users: number; members: number; audit: number }>(sql`select
    (select count(*) from users where email = ${email}) as users,
    (select count(*) from account_members m join users u on u.id = m.user_id where u.email = ${email}) as members,
    (select count(*) from audit_logs l join users u on u.id = l.entity_id where u.email = ${email}) as audit`);
  return row;
}
export const once = { users: 1, members: 1, audit: 1 };
export const never = { users: 0, members: 0, audit: 0 };
