import { expect, test } from "vitest";
import { contractOf, lintMigrations } from "./migration-lint.ts";

const migration = (tag: string, ...statements: string[]) => ({
  tag,
  sql: `${statements.join(";\n--> statement-breakpoint\n")};\n`,
  statements,
});
const annotated = (line: string, made: ReturnType<typeof migration>) => ({
  ...made,
  sql: `${line}\n${made.sql}`,
});
const base = migration(
  "0000_base",
  "create table users (id text primary key, email text, name text) strict",
  "create table teams (id text primary key, lead text references users (id)) strict",
  "create trigger users_log after update on users begin select new.email; end",
);
const expand = migration("0001_expand", "alter table users add full_name text");
const faults = (...statements: string[]) =>
  lintMigrations([base, expand, migration("0002_next", ...statements)]);

test.each([
  [["create table more (id text primary key) strict", "create index more_id on more (id)"]],
  [["alter table users add age integer not null default 0"]],
  [
    [
      "drop trigger users_log",
      "create index users_email on users (email)",
      "drop index users_email",
    ],
  ],
  [["update users set name = 'x'", "delete from teams"]],
  [
    [
      "create table `__new_users` (`id` text primary key, `email` text not null, `name` text, `full_name` text, `age` integer) strict",
      "INSERT INTO `__new_users` (`id`, `email`, `name`, `full_name`) SELECT `id`, coalesce(`email`, ''), `name`, `full_name` FROM `users`",
      "DROP TABLE `users`",
      "ALTER TABLE `__new_users` RENAME TO `users`",
    ],
  ],
])("what only adds, or rebuilds a table with all it had, is fine: %j", (statements) => {
  expect(faults(...statements)).toEqual([]);
});

test.each([
  [["drop table teams"], "table teams"],
  [["DROP TABLE IF EXISTS `teams`"], "table teams"],
  [["drop trigger users_log", "alter table users drop column email"], "column users.email"],
  [["alter table users rename column email to mail"], "column users.email"],
  [["alter table teams rename to groups"], "table teams"],
  [["alter table teams drop column lead", "alter table teams add lead text"], "column teams.lead"],
  [
    ["drop table teams", "create table teams (id text primary key, lead text) strict"],
    "column teams.id, column teams.lead",
  ],
  [
    [
      "create table __new_teams (id text primary key) strict",
      "insert into __new_teams (id) select id from teams",
      "drop table teams",
      "alter table __new_teams rename to teams",
    ],
    "column teams.lead",
  ],
  [
    [
      "create table __new_teams (id text primary key, lead text) strict",
      "insert into __new_teams (id) select id from teams",
      "drop table teams",
      "alter table __new_teams rename to teams",
    ],
    "column teams.lead",
  ],
])("what takes something away is refused: %j", (statements, lost) => {
  expect(faults(...statements)).toEqual([
    expect.stringMatching(new RegExp(`^0002_next: takes away ${lost}\\. `)),
  ]);
});

test("it may, where it names the migration whose release did without", () => {
  const drop = migration("0002_next", "alter table teams drop column lead");
  const with_ = (line: string) => lintMigrations([base, expand, annotated(line, drop)]);
  expect(with_("-- contract: 0001_expand")).toEqual([]);
  for (const tag of ["0002_next", "0009_later", "0001"])
    expect(with_(`-- contract: ${tag}`)).toEqual([
      `0002_next: -- contract: ${tag} names no earlier migration.`,
    ]);
  for (const line of ["-- contract:", "-- contracts: 0001_expand", "-- see contract: 0001_expand"])
    expect(with_(line)).toEqual([expect.stringContaining("takes away column teams.lead")]);
  expect(contractOf("-- contract: 0001_expand\ndrop table x;")).toBe("0001_expand");
});

test("what does not run at all is said before anybody deploys it", () => {
  expect(faults("alter table nowhere add x text")).toEqual([
    expect.stringMatching(/^0002_next: does not run \(no such table: nowhere\)/),
  ]);
});
