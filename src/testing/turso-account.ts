import { test as base, expect } from "vitest";
import { newId } from "../core/id.ts";
import type { Secret } from "../core/secret.ts";
import { openTenantDb, type TenantDb } from "../db/connect.ts";
import { parseSettings } from "../env.ts";
import { databaseNameOf, type Platform } from "../platform/platform.ts";
import { platformOf } from "../ports.backends.ts";
import { testBudget } from "./databases.ts";
import { stack } from "./harness.ts";
import { execute, rowsOf } from "./raw-sql.ts";
import { createTurso, type Turso } from "./turso.ts";

/** A test with a Turso of its own, which it must use by the contract. */
export const test = base.extend<{ options: Parameters<typeof createTurso>[1]; turso: Turso }>({
  options: {},
  turso: async ({ options }, use) => {
    const turso = createTurso(stack.settings, options);
    await use(turso);
    expect(turso.violations).toEqual([]);
  },
});

export const openTurso = (turso: Turso, settings: Record<string, string> = {}): Platform =>
  platformOf(parseSettings({ ...stack.settings, ...turso.settings, ...settings }), turso.fetch);
export const newName = () => databaseNameOf(newId("tenant"));
export const operationsOf = ({ calls }: Turso) => calls.map(({ operation }) => operation);

export async function openAtTurso(turso: Turso, name: string, token?: Secret): Promise<TenantDb> {
  const platform = openTurso(turso);
  const where = platform.locate(name, turso.databases.get(name)?.hostname ?? null);
  const opening = token ?? (await platform.mintToken(name)).token;
  const budget = { ...testBudget(), fetch: turso.fetch };
  return openTenantDb({ ...where, token: opening }, budget, name);
}

/** A database with these words in a table of its own; nothing of that is noted as a call. */
export async function databaseWith(turso: Turso, ...words: string[]) {
  const name = newName();
  await turso.place(name, turso.group);
  const db = await openAtTurso(turso, name);
  await execute(db, "create table words (word text) strict", ...words.map(insertion));
  turso.calls.length = 0;
  return { name, db };
}
export const insertion = (word: string) => `insert into words values ('${word}')`;

export async function wordsIn(db: TenantDb): Promise<string[]> {
  const rows = await rowsOf<{ word: string }>(db, "select word from words order by word");
  return rows.map(({ word }) => word);
}

export async function namesListed(platform: Platform): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of platform.listDatabases() ?? []) names.push(name);
  return names;
}
