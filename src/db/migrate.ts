import { sql } from "drizzle-orm";
import { batch, retried, statement } from "./batch.ts";
import { clientOf, type Database } from "./connect.ts";
import { failedStatement, isConstraint, isMisfit, isUniqueViolation } from "./faults.ts";

/** One file of `drizzle/`: `when` orders and identifies it, `hash` is the SHA-256 of its text. */
export type Migration = {
  readonly tag: string;
  readonly when: number;
  readonly hash: string;
  readonly statements: readonly string[];
  /** Takes away what older code needs: the second half of an expand and contract pair. */
  readonly contract?: true;
  /** The schema version of code that first did without what a contract takes away. */
  readonly oldestCode?: number;
};

/** A migration was applied that is not the one we know by that name. */
export class SchemaDrift extends Error {
  override readonly name = "SchemaDrift";
}

/** A migration's own SQL failed, and nothing was changed. */
export class MigrationRefused extends Error {
  override readonly name = "MigrationRefused";
}

const ledger = [
  "create table if not exists __drizzle_migrations (id serial primary key, hash text not null, created_at numeric)",
  "create unique index if not exists __drizzle_migrations_created_at on __drizzle_migrations (created_at)",
];

/**
 * Brings a database to the newest migration and returns its schema version, the number applied.
 * One atomic request; each migration's ledger row goes first, so of several concurrent runs one
 * wins and the others find it done. The ledger is the one Drizzle's own migrator reads.
 * `applied` is how many are believed to be there: that is proved in the same request. Throws
 * `SchemaDrift` where what was applied is not what we know.
 */
export async function migrate(
  db: Database,
  migrations: readonly Migration[],
  applied = 0,
): Promise<number> {
  // Optimistic: a database that is what it is believed to be needs no look first.
  let pending = migrations.slice(applied);
  let proof = proofOf(migrations.slice(0, applied));
  while (pending.length > 0) {
    try {
      await atomically(db, pending, proof);
      break;
    } catch (error) {
      if (!isOtherwise(error)) throw error;
    }
    proof = [];
    pending = await behind(db, migrations);
  }
  return migrations.length;
}

/** The lowest schema version of code that may serve a database with these migrations. */
export const oldestCodeOf = (migrations: readonly Migration[]): number =>
  Math.max(0, ...migrations.map(({ oldestCode = 0 }) => oldestCode));

async function behind(db: Database, migrations: readonly Migration[]): Promise<Migration[]> {
  const ledgerRows = sql`select created_at as at, hash from __drizzle_migrations`;
  const [rows] = await batch(db, "read", [
    statement<{ at: number; hash: string }>(db, ledgerRows),
  ] as const);
  const hashes = new Map(rows.map(({ at, hash }) => [Number(at), hash]));
  const drifted = migrations.find(({ when, hash }) => (hashes.get(when) ?? hash) !== hash);
  if (drifted) throw new SchemaDrift(`Migration ${drifted.tag} was applied with other contents`);
  return migrations.filter(({ when }) => !hashes.has(when));
}

/** Aborts all of it unless exactly these are in the ledger, as they are here. */
function proofOf(applied: readonly Migration[]): string[] {
  if (applied.length === 0) return [];
  const rows = applied.map(({ when, hash }) => `(${when}, '${hash}')`).join(", ");
  const found = `select count(*) from __drizzle_migrations where (created_at, hash) in (values ${rows})`;
  return [
    `insert into __drizzle_migrations (hash, created_at) select null, 0 where (${found}) <> ${applied.length}`,
  ];
}

/** The ledger is another than was believed. */
const isOtherwise = (error: unknown) =>
  isUniqueViolation(error, "__drizzle_migrations.created_at") ||
  isConstraint(error, "__drizzle_migrations.hash");

const statementsOf = ({ when, hash, statements }: Migration): string[] => [
  `insert into __drizzle_migrations (hash, created_at) values ('${hash}', ${when})`,
  ...statements,
];

/** `migrate` of the client switches foreign keys off around the transaction: a table rebuilt in an ordinary batch loses its children. */
async function atomically(db: Database, pending: readonly Migration[], proof: string[]) {
  const before = [...ledger, ...proof];
  const groups = pending.map(statementsOf);
  try {
    await retried(db, () => clientOf(db).migrate([...before, ...groups.flat()]));
  } catch (error) {
    const refused = isMisfit(error) || (isConstraint(error) && !isOtherwise(error));
    const tag = refused ? guiltyOf(error, pending, before.length) : undefined;
    if (tag === undefined) throw error;
    throw new MigrationRefused(`Migration ${tag} does not fit what is in the database`, {
      cause: error,
    });
  }
}

/** Whose statement it was, where the server says so. */
function guiltyOf(error: unknown, pending: readonly Migration[], before: number) {
  let left = (failedStatement(error) ?? -1) - before;
  if (left < 0) return undefined;
  for (const migration of pending) {
    left -= migration.statements.length + 1;
    if (left < 0) return migration.tag;
  }
  return undefined;
}
