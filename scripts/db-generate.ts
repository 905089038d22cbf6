// npm run db:generate [-- --name NAME | --check]: tables → migrations, triggers and the bundled module.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Audited, auditTriggers } from "../src/db/audit-triggers.ts";
import { audited as registryAudited } from "../src/registry/audited.ts";
import { audited as tenantAudited } from "../src/tenant/audited.ts";
import { contractOf, lintMigrations } from "./migration-lint.ts";

const bundled = "src/db/migrations.gen.ts";
const breakpoint = "--> statement-breakpoint";
const sets: Record<string, Audited[]> = { registry: registryAudited, tenant: tenantAudited };

/** Fails when the committed migrations or the bundled module are not what the tables say. */
function check(): void {
  mkdirSync(".tmp", { recursive: true }); // drizzle-kit wants a relative path
  const copy = mkdtempSync(join(".tmp", "migrations-"));
  try {
    cpSync("drizzle", copy, { recursive: true });
    const module = generate(copy);
    const committed = readdirSync("drizzle", { recursive: true, encoding: "utf8" });
    const drift = readdirSync(copy, { recursive: true, encoding: "utf8" }).filter(
      (file) => file.endsWith(".sql") && !committed.includes(file),
    );
    if (module !== readFileSync(bundled, "utf8")) drift.push(bundled);
    lint(copy);
    if (drift.length === 0) return;
    console.error(
      `Out of date: ${drift.join(", ")}. Run npm run db:generate and commit the result.`,
    );
    process.exitCode = 1;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Nothing is taken from code that still runs, unless somebody says that none does. */
function lint(folder: string): void {
  for (const set of Object.keys(sets))
    for (const fault of lintMigrations(migrationsIn(folder, set))) {
      console.error(`${set}: ${fault}`);
      process.exitCode = 1;
    }
}

function generate(folder: string, name?: string): string {
  for (const [set, audited] of Object.entries(sets)) {
    for (const file of drizzleKit(folder, set, name ? ["--name", name] : [])) makeStrict(file);
    const statements = missingTriggers(join(folder, set), auditTriggers(audited));
    if (statements.length === 0) continue;
    const [file] = drizzleKit(folder, set, ["--custom", "--name", "audit_triggers"]);
    if (file) writeFileSync(file, `${statements.join(`;\n${breakpoint}\n`)};\n`);
  }
  return moduleOf(folder);
}

/** Runs drizzle-kit and returns the SQL files it added. */
function drizzleKit(folder: string, set: string, args: string[]): string[] {
  const before = new Set(sqlFiles(join(folder, set)));
  const said = execFileSync(
    "drizzle-kit",
    ["generate", "--config", `drizzle/${set}.config.ts`, ...args],
    { env: { ...process.env, MIGRATIONS_DIR: folder }, encoding: "utf8" },
  );
  // It exits 0 on failure too.
  if (!/No schema changes|Your SQL migration file/.test(said)) throw new Error(said);
  return sqlFiles(join(folder, set)).filter((file) => !before.has(file));
}

function sqlFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith(".sql"))
      .sort()
      .map((file) => join(folder, file));
  } catch {
    return [];
  }
}

/** SQLite then refuses a value of the wrong type; drizzle-kit does not know the word. */
function makeStrict(file: string): void {
  const sql = readFileSync(file, "utf8");
  writeFileSync(
    file,
    sql.replaceAll(/^CREATE TABLE [^;]*?\n\);/gm, (table) => table.replace(/\);$/, ") STRICT;")),
  );
}

/** What brings the triggers made by the migrations so far to what the tables need. */
function missingTriggers(folder: string, wanted: string[]): string[] {
  const nameOf = (statement: string) => /(?:trigger|view) (\w+)/i.exec(statement)?.[1] ?? "";
  const present = new Map<string, string>();
  for (const statement of sqlFiles(folder).flatMap(statementsOf)) {
    if (/^create (trigger|view)/i.test(statement)) present.set(nameOf(statement), statement);
    if (/^drop (trigger|view)/i.test(statement)) present.delete(nameOf(statement));
    const dropped = /^drop table `(\w+)`/i.exec(statement)?.[1];
    for (const name of [...present.keys()])
      if (dropped && name.startsWith(`${dropped}_audit_`)) present.delete(name);
  }
  const keep = new Set(wanted);
  const gone = [...present].filter(([, statement]) => !keep.has(statement));
  const known = new Set(present.values());
  const isView = (statement: string) => /^create view/i.test(statement);
  return [
    // Triggers first: a view takes its own along.
    ...gone.filter(([, statement]) => !isView(statement)).map(([name]) => `drop trigger ${name}`),
    ...gone.filter(([, statement]) => isView(statement)).map(([name]) => `drop view ${name}`),
    ...wanted.filter((statement) => !known.has(statement)),
  ];
}

function statementsOf(file: string): string[] {
  return readFileSync(file, "utf8")
    .split(breakpoint)
    .map((statement) => statement.trim().replace(/;$/, ""))
    .filter(Boolean);
}

function migrationsIn(folder: string, set: string) {
  const journal = JSON.parse(readFileSync(join(folder, set, "meta/_journal.json"), "utf8")) as {
    entries: { tag: string; when: number }[];
  };
  return journal.entries.map(({ tag, when }) => {
    const file = join(folder, set, `${tag}.sql`);
    return { tag, when, sql: readFileSync(file, "utf8"), statements: statementsOf(file) };
  });
}

function moduleOf(folder: string): string {
  const list = (set: string) => {
    const all = migrationsIn(folder, set);
    return all.map(({ tag, when, sql, statements }) => {
      const hash = createHash("sha256").update(sql).digest("hex");
      const expand = all.findIndex((each) => each.tag === contractOf(sql));
      const contract = expand < 0 ? {} : { contract: true, oldestCode: expand + 1 };
      return { tag, when, hash, ...contract, statements };
    });
  };
  return [
    "// Made by `npm run db:generate` out of drizzle/: do not edit.",
    'import type { Migration } from "./migrate.ts";',
    "",
    ...Object.keys(sets).map(
      (set) =>
        `export const ${set}Migrations: Migration[] = ${JSON.stringify(list(set), null, 2)};\n`,
    ),
  ].join("\n");
}

const { values } = parseArgs({
  options: { name: { type: "string" }, check: { type: "boolean", default: false } },
});
if (values.check) check();
else {
  writeFileSync(bundled, generate("drizzle", values.name));
  lint("drizzle");
}
