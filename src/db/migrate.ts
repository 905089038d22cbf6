import { sql } from "drizzle-orm";
import { batch, retried, statement } from "./batch.ts";
import { clientOf, type Database } from "./connect.ts";
import { isUniqueViolation } from "./faults.ts";

/** One file of `drizzle/`: `when` orders and identifies it, `hash` is the SHA-256 of its text. */
export type Migration = {
  readonly tag: string;
  readonly when: number;
  readonly hash: string;
  readonly statements: readonly string[];
};

const ledger = [
  "create table if not exists __drizzle_migrations (id serial primary key, hash text not null, created_at numeric)",
  "create unique index if not exists __drizzle_migrations_created_at on __drizzle_migrations (created_at)",
];

/**
 * Brings a database to the newest migration and returns its schema version, the number applied.
 * One atomic request; each migration's ledger row goes first, so of several concurrent runs one
 * wins and the others find it done. The ledger is the one Drizzle's own migrator reads.
 */
export async function migrate(db: Database, migrations: readonly Migration[]): Promise<number> {
  // Optimistic: a new database needs no look first.
  for (let pending = migrations; pending.length > 0; pending = await behind(db, migrations)) {
    try {
      await atomically(db, [...ledger, ...pending.flatMap(statementsOf)]);
      break;
    } catch (error) {
      if (!isUniqueViolation(error, "__drizzle_migrations.created_at")) throw error;
    }
  }
  return migrations.length;
}

async function behind(db: Database, migrations: readonly Migration[]): Promise<Migration[]> {
  const ledgerRows = sql`select created_at as at from __drizzle_migrations`;
  const [rows] = await batch(db, "read", [statement<{ at: number }>(db, ledgerRows)] as const);
  const applied = new Set(rows.map((row) => Number(row.at)));
  return migrations.filter((migration) => !applied.has(migration.when));
}

const statementsOf = ({ when, hash, statements }: Migration): string[] => [
  `insert into __drizzle_migrations (hash, created_at) values ('${hash}', ${when})`,
  ...statements,
];

/** `migrate` of the client switches foreign keys off around the transaction: a table rebuilt in an ordinary batch loses its children. */
async function atomically(db: Database, statements: string[]): Promise<void> {
  await retried(db, () => clientOf(db).migrate(statements));
}
