import { sql } from "drizzle-orm";
import { openTenant } from "./databases.ts";
import { newFleet, type OwnRegistry, slugOf } from "./fleet.ts";
import { naming, newPerson } from "./harness.ts";
import { execute } from "./raw-sql.ts";

/** Somebody who has owned a tenant since the first release, and calls this Worker. */
export async function newOldCustomer(home: OwnRegistry, base: string) {
  const [id = ""] = await newFleet(home, 1);
  const db = await openTenant(home.settings, id);
  const person = newPerson(base);
  const { issuer } = home.settings.identityProvider;
  await execute(
    db,
    sql`insert into tenant_identity (id, tenant_id, slug, name, status, default_account_id, created_at, updated_at)
      values (1, ${id}, ${slugOf(id)}, 'Old', 'active', 'acc_1', 1, 1)`,
    sql`insert into settings (id, value, updated_at) values (1, '{}', 1)`,
    sql`insert into users (id, email, name, status, tenant_role, created_at, updated_at)
      values ('usr_1', ${person.email}, 'Ada', 'active', 'owner', 1, 1)`,
    sql`insert into user_identities (issuer, subject, user_id, created_at)
      values (${issuer}, ${person.subject}, 'usr_1', 1)`,
    sql`insert into accounts (id, name, created_at, updated_at) values ('acc_1', 'Default', 1, 1)`,
  );
  return { id, db, owner: naming(person, { "x-tenant-id": slugOf(id) }) };
}
