import { type SQL, sql } from "drizzle-orm";
import { ApiError, unavailable } from "../core/error.ts";
import type { RequestContext } from "../core/request.ts";
import type { actorTypes } from "./audit.columns.ts";
import { batch, type Query, type Results, statement } from "./batch.ts";
import type { Database } from "./connect.ts";
import { failedStatement } from "./faults.ts";
import { isRepetition, keepRows, type Once, recall, takeIdempotencyKey } from "./once.ts";

/** A step of a batch. With `orElse` nothing of the batch happens where the step does not hold. */
export type Write = { readonly orElse?: OrElse | undefined } & (
  | { readonly query: Query }
  | { readonly condition: SQL }
);
type OrElse = () => Error | Promise<Error>;

/** A statement that may touch any number of rows. */
export const write = (query: Query): Write => ({ query });

/** A statement that must touch a row, or the whole batch is undone and `orElse` is thrown. */
export const must = (query: Query, orElse: OrElse): Write => ({ query, orElse });

/** What must be true at this point of the batch, or all of it is undone and `orElse` is thrown. */
export const provided = (condition: SQL, orElse: OrElse): Write => ({ condition, orElse });

/** Marks the batch whose audit context was refused: the guard said no. */
export class GuardRefused extends Error {
  override readonly name = "GuardRefused";
}

/** Columns of `audit_context` beside its id, as SQL values in this order. */
export type Context = {
  readonly actorType: SQL;
  /** Null refuses the batch. */
  readonly actorId: SQL;
  readonly tenantRole: SQL;
  readonly role: SQL;
  readonly accountId: SQL;
  readonly reason: SQL;
  readonly transactionId: string | null;
  readonly requestId: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** Where `actorId` and its fellows come from. One row at most; none refuses the batch. */
  readonly from: SQL;
};

/**
 * The only way rows change: audit context, writes, context cleared, in one immediate transaction
 * and one round trip; then `reads`, which see what was written and are what comes back. The
 * triggers of the audited tables write the log. With `once` a repeated request writes nothing and gets
 * what the first one read.
 */
export async function writeAudited<const R extends readonly Query[]>(
  db: Database,
  context: Context,
  writes: readonly Write[],
  reads: R,
  once?: Once,
): Promise<Results<R>> {
  // The first batch of a request settles what comes of it; later ones only follow up.
  const key = once?.outcome ? undefined : once;
  const { queries, checks } = statementsOf(db, context, writes);
  const taken = key ? takeIdempotencyKey(db, key) : [];
  queries.splice(1, 0, ...taken);
  queries.push(...(key ? keepRows(key, reads) : []), statement(db, sql`delete from audit_context`));
  try {
    const results = await batch(db, "write", [...queries, ...reads]);
    if (key) key.outcome = "done";
    return results.slice(queries.length) as unknown as Results<R>;
  } catch (error) {
    if (key && isRepetition(error)) return (await recall(db, key, reads)) ?? changing();
    throw await meaningOf(error, (at) => checks.get(at - taken.length));
  }
}

/** What was there a moment ago has run out. */
function changing(): never {
  throw unavailable("The request is being repeated at this moment", undefined, 1);
}

function statementsOf(db: Database, context: Context, writes: readonly Write[]) {
  const queries: Query[] = [statement(db, setContext(context))];
  /** For each statement that may undo everything: whose it is. */
  const checks = new Map<number, Write>();
  for (const item of writes) {
    if ("query" in item) queries.push(item.query);
    const holds = "query" in item ? sql`changes() > 0` : item.condition;
    if (item.orElse) checks.set(queries.push(statement(db, abortUnless(holds))) - 1, item);
  }
  return { queries, checks };
}

/** What a failed batch says: the guard refused, a statement missed its row, or the database is at fault. */
async function meaningOf(
  error: unknown,
  checkAt: (index: number) => Write | undefined,
): Promise<unknown> {
  // The database's fault, wherever in the batch it struck: the batch itself has found out nothing.
  if (error instanceof ApiError) return error;
  const at = failedStatement(error);
  if (at === 0) return new GuardRefused("The guard refused", { cause: error });
  const missed = at === undefined ? undefined : checkAt(at);
  return (await missed?.orElse?.()) ?? error;
}

/** Null breaks NOT NULL: the one way SQL offers to abort a batch from inside. */
const abortUnless = (holds: SQL) =>
  sql`insert into audit_context (id, actor_id) select 2, null where not coalesce(${holds}, 0)`;

const setContext = (c: Context) => sql`insert into audit_context
  (id, actor_type, actor_id, tenant_role, role, account_id, reason, transaction_id, request_id, ip, user_agent)
  select 1, ${c.actorType}, ${c.actorId}, ${c.tenantRole}, ${c.role}, ${c.accountId}, ${c.reason},
    ${c.transactionId}, ${c.requestId}, ${c.ip}, ${c.userAgent}
  from (select 1) left join (${c.from}) as p`;

/** Whom the log names. */
export type Actor = { readonly type: (typeof actorTypes)[number]; readonly id: string | SQL };

/** The context of work whose right to happen was proved elsewhere, or is nobody's in particular. */
export const contextOf = (
  request: RequestContext,
  { type, id }: Actor = { type: "system", id: "system" },
): Context => ({
  actorType: sql`${type}`,
  actorId: sql`${id}`,
  tenantRole: sql`null`,
  role: sql`null`,
  accountId: sql`null`,
  reason: sql`null`,
  ...trace(request),
  from: sql`select 1`,
});

/** The part of every context that says which request it was. */
export const trace = ({ transactionId, requestId, ip, userAgent }: RequestContext) => ({
  transactionId,
  requestId,
  ip,
  userAgent,
});
