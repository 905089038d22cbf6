import { getTableColumns, getTableName, type SQL, sql } from "drizzle-orm";
import { CasingCache } from "drizzle-orm/casing";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { accountMembers, accounts } from "../accounts/accounts.table.ts";
import { apiKeys } from "../api-keys/api-keys.table.ts";
import { auditLogs } from "../audit/audit.table.ts";
import { accessGrants } from "../grants/grants.table.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import { invitations } from "../invitations/invitations.table.ts";
import { userSessions } from "../sessions/sessions.table.ts";
import { settings } from "../settings/settings.table.ts";
import { userIdentities, userProfiles, users } from "../users/users.table.ts";

/** A table whose rows leave the house, without what would let somebody in. */
export type Exported = {
  readonly table: SQLiteTable;
  readonly without?: readonly string[];
  /** Whose a row is, where it is somebody's: a condition on the id of a user. */
  readonly of?: (userId: SQL) => SQL;
};

export const exported: readonly Exported[] = [
  { table: tenantIdentity },
  { table: settings },
  { table: users, of: (id) => sql`id = ${id}` },
  { table: userProfiles, of: (id) => sql`user_id = ${id}` },
  { table: userIdentities, of: (id) => sql`user_id = ${id}` },
  { table: userSessions, without: ["sid"], of: (id) => sql`user_id = ${id}` },
  { table: accounts },
  { table: accountMembers, of: (id) => sql`user_id = ${id}` },
  { table: apiKeys, without: ["hash"], of: (id) => sql`owner_id = ${id}` },
  {
    table: invitations,
    without: ["tokenHash"],
    of: (id) =>
      sql`(user_id = ${id} or accepted_by = ${id} or email = (select email from users where id = ${id}))`,
  },
  { table: accessGrants },
  { table: auditLogs, of: (id) => sql`actor_id = ${id}` },
];

const casing = new CasingCache("snake_case");

/** The row as JSON, columns under their names in SQL. What a log says of a session does not name it. */
export function rowOf({ table, without = [] }: Exported): SQL {
  const fields = Object.entries(getTableColumns(table))
    .filter(([name]) => !without.includes(name))
    .map(([, column]) => {
      const name = casing.getColumnCasing(column);
      const isLog = table === auditLogs && name === "changes";
      const value = isLog ? sql`json_remove(changes, '$.sid') || ''` : sql.identifier(name);
      return sql`${sql.raw(`'${name}'`)}, ${value}`;
    });
  return sql`json_object(${sql.join(fields, sql`, `)})`;
}

/** Its columns under their names in SQL. */
export const columnsOf = ({ table }: Pick<Exported, "table">): string[] =>
  Object.values(getTableColumns(table)).map((column) => casing.getColumnCasing(column));

export const nameOf = ({ table }: Exported): string => getTableName(table);
