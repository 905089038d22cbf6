import { CasingCache } from "drizzle-orm/casing";
import { getTableConfig, type SQLiteTable } from "drizzle-orm/sqlite-core";

export type Audited = { readonly table: SQLiteTable; readonly redact?: readonly string[] };

type Row = "old" | "new";
type Column = { readonly name: string; readonly secret: boolean };

const casing = new CasingCache("snake_case");
const now = "cast(unixepoch('subsec') * 1000 as integer)";
const contextColumns = "transaction_id, request_id, account_id, ip, user_agent";

/** Every trigger stands on one line: sqld reloads its own dumps line by line. */
export function auditTriggers(audited: readonly Audited[]): string[] {
  return [...audited.flatMap(triggersOf), refuse("update"), refuse("delete"), refuseReplace];
}

/** History is append-only, for everyone who comes through SQL. */
const refuse = (verb: "update" | "delete") =>
  `create trigger audit_logs_no_${verb} before ${verb} on audit_logs begin select raise(abort, 'audit_logs is append-only'); end`;

/** `insert or replace` deletes the row it replaces without firing a delete trigger. */
const refuseReplace =
  "create trigger audit_logs_no_replace before insert on audit_logs when exists (select 1 from audit_logs where sequence = new.sequence) begin select raise(abort, 'audit_logs is append-only'); end";

function shown(row: Row | null, { name, secret }: Column): string {
  if (row === null) return "null";
  return secret ? `iif(${row}."${name}" is null, null, '[redacted]')` : `${row}."${name}"`;
}

function triggersOf({ table, redact = [] }: Audited): string[] {
  const { name, columns, primaryKeys } = getTableConfig(table);
  const named = columns.map((column) => ({
    name: casing.getColumnCasing(column),
    primary: column.primary || primaryKeys.some((key) => key.columns.includes(column)),
    secret: redact.includes(column.name),
  }));
  const keyOf = (row: Row) =>
    named
      .filter((column) => column.primary)
      .map((column) => `${row}."${column.name}"`)
      .join(" || ':' || ");
  const differs = named.map((c) => `old."${c.name}" is not new."${c.name}"`).join(" or ");
  /** `{column: {old, new}}` of what differs; beside an insert or delete there is nothing to differ from. */
  const changes = (old: Row | null, fresh: Row | null) => {
    const pairs = named.map((column) => {
      const changed =
        old && fresh
          ? `old."${column.name}" is not new."${column.name}"`
          : `${old ?? fresh}."${column.name}" is not null`;
      return `select '${column.name}' as field, ${shown(old, column)} as before, ${shown(fresh, column)} as after where ${changed}`;
    });
    return `(select json_group_object(field, json_object('old', before, 'new', after)) from (${pairs.join(" union all ")}))`;
  };
  const write = (action: string, row: Row, what: string) =>
    `insert into audit_logs (${contextColumns}, actor_type, actor_id, entity, entity_id, action, changes, at) ` +
    `select ${contextColumns}, coalesce(actor_type, 'system'), coalesce(actor_id, 'system'), '${name}', ${keyOf(row)}, '${action}', ${what}, ${now} ` +
    "from (select 1) left join audit_context on id = 1;";

  return [
    `create trigger ${name}_audit_insert after insert on ${name} begin ${write("INSERT", "new", changes(null, "new"))} end`,
    `create trigger ${name}_audit_update after update on ${name} when ${differs} begin ${write("UPDATE", "new", changes("old", "new"))} end`,
    `create trigger ${name}_audit_delete after delete on ${name} begin ${write("DELETE", "old", changes("old", null))} end`,
  ];
}
