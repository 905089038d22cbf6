import { CasingCache } from "drizzle-orm/casing";
import { getTableConfig, type SQLiteTable } from "drizzle-orm/sqlite-core";

export type Audited = {
  readonly table: SQLiteTable;
  /** Columns whose values the log does not show. */
  readonly redact?: readonly string[];
  /** Columns the log leaves out: when somebody was last seen. */
  readonly quiet?: readonly string[];
};

const casing = new CasingCache("snake_case");

/**
 * What makes the log, in order: a view the triggers of all tables write to, the trigger on it that
 * finds out what differs and who did it, the tables' own, and what keeps the log append-only.
 * Each stands on one line, because sqld reloads its own dumps line by line; and each is short,
 * because sqld parses the whole schema for every request.
 */
export function auditTriggers(audited: readonly Audited[]): string[] {
  return [entries, record, ...audited.flatMap(triggersOf), ...appendOnly];
}

const entries =
  "create view audit_entries as select '' as entity, '' as entity_id, '' as action, '' as names, '' as old_row, '' as new_row, '' as secrets";

/** A row that is not there is `[]`. Secrets are compared as they are and written down as redacted. */
const shown = (value: string) =>
  `iif(${value} is not null and instr(new.secrets, ',' || name || ','), '[redacted]', ${value})`;
const side = (row: string) => `json_extract(new.${row}, '$[' || key || ']')`;
const differences = `select value as name, ${side("old_row")} as o, ${side("new_row")} as n from json_each(new.names) where o is not n`;
const changes = `select json_group_object(name, json_object('old', ${shown("o")}, 'new', ${shown("n")})) as changes from (${differences})`;
const context = "transaction_id, request_id, account_id, ip, user_agent, reason";

const record =
  `create trigger audit_entries_record instead of insert on audit_entries begin insert into audit_logs (${context}, actor_type, actor_id, entity, entity_id, action, changes, at) ` +
  `select ${context}, coalesce(actor_type, 'system'), coalesce(actor_id, 'system'), new.entity, new.entity_id, new.action, changes, cast(unixepoch('subsec') * 1000 as integer) ` +
  `from (${changes}) left join audit_context on id = 1 where changes <> '{}' or new.action <> 'UPDATE'; end`;

/** For everyone who comes through SQL. `insert or replace` would delete without firing a delete trigger. */
const refuse = (name: string, event: string) =>
  `create trigger audit_logs_no_${name} before ${event} begin select raise(abort, 'audit_logs is append-only'); end`;
const appendOnly = [
  refuse("update", "update on audit_logs"),
  refuse("delete", "delete on audit_logs"),
  refuse(
    "replace",
    "insert on audit_logs when exists (select 1 from audit_logs where sequence = new.sequence)",
  ),
];

function triggersOf({ table, redact = [], quiet = [] }: Audited): string[] {
  const { name, columns, primaryKeys } = getTableConfig(table);
  const named = columns
    .filter((column) => !quiet.includes(column.name))
    .map((column) => ({
      name: casing.getColumnCasing(column),
      primary: column.primary || primaryKeys.some((key) => key.columns.includes(column)),
      secret: redact.includes(column.name),
    }));
  const names = JSON.stringify(named.map((column) => column.name));
  const values = (row: Row) =>
    `json_array(${named.map((column) => `${row}."${column.name}"`).join(", ")})`;
  const keyOf = (row: Row) =>
    named
      .filter((column) => column.primary)
      .map((column) => `${row}."${column.name}"`)
      .join(" || ':' || ");
  const secrets = named.filter((column) => column.secret).map((column) => `,${column.name},`);

  const trigger = (event: string, row: Row, before: string, after: string) =>
    `create trigger ${name}_audit_${event} after ${event} on ${name} begin insert into audit_entries values ` +
    `('${name}', ${keyOf(row)}, '${event.toUpperCase()}', '${names}', ${before}, ${after}, '${secrets.join("")}'); end`;
  return [
    trigger("insert", "new", "'[]'", values("new")),
    trigger("update", "new", values("old"), values("new")),
    trigger("delete", "old", values("old"), "'[]'"),
  ];
}

type Row = "old" | "new";
