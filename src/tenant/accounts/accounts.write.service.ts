import { and, eq, isNotNull, not, type SQL, sql } from "drizzle-orm";
import { ApiError, invalidField, unavailable } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { type JsonObject, maxJsonBytes } from "../../core/json.ts";
import { type Accepted, atVersion } from "../../db/columns.ts";
import { isUniqueViolation } from "../../db/faults.ts";
import { must, write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import { tenantIdentity } from "../identity/identity.table.ts";
import { read } from "../read.ts";
import { asking, proved, type Rule, rules, stays } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { actor, created, touched } from "../stamps.ts";
import { visible, workable } from "./accounts.rules.ts";
import type { Account, AccountPatch, NewAccount } from "./accounts.schema.ts";
import { accountQuery, living, noSuchAccount, toAccount } from "./accounts.service.ts";
import { accounts } from "./accounts.table.ts";

export async function createAccount(scope: TenantScope, input: NewAccount): Promise<Account> {
  const { db, request } = scope;
  const id = newId("account", request.now);
  const insert = db.insert(accounts).values({ id, ...input, ...created(request.now) });
  const [rows] = await commit(scope, [write(insert)], [accountQuery(db, id)]).catch(taken);
  return toAccount(rows);
}

/** Merges `patch` into the account, if it still is what the caller saw. */
export async function updateAccount(
  scope: TenantScope,
  id: string,
  { settings, ...fields }: AccountPatch,
  accepted: Accepted,
): Promise<Account> {
  const { db, request } = scope;
  const merged = settings && merge(settings);
  const fits = merged && sql`length(cast(${merged} as blob)) <= ${maxJsonBytes}`;
  const rule = ruleOf(fields);
  const update = db
    .update(accounts)
    .set({
      ...fields,
      ...(merged && { settings: merged }),
      ...touched(accounts.version, request.now),
    })
    .where(and(living(id), rule(proved), atVersion(accounts.version, accepted), fits));
  const change = must(update, () => explain(scope, id, { accepted, rule, fits }));
  const [rows] = await commit(scope, [change], [accountQuery(db, id)]).catch(taken);
  return toAccount(rows);
}

/**
 * Who is kept out of an account, and what domain is its own, is not for one of its people to decide. To let
 * in again all who are in it lasts.
 */
function ruleOf({ active, domain }: Pick<AccountPatch, "active" | "domain">): Rule {
  if (active) return (by) => sql`(${rules(by)} and ${stays(by)})`;
  return active === undefined && domain === undefined ? workable : rules;
}

/** RFC 7396, by SQLite: of two changes at once neither undoes the other's part. */
const merge = (settings: JsonObject) =>
  sql`json_patch(${accounts.settings}, ${JSON.stringify(settings)})`;

/** New users join the first account unless it is said where else: it stays. */
const isFirst = sql`${accounts}.id = (select default_account_id from ${tenantIdentity})`;

export async function deleteAccount(
  scope: TenantScope,
  id: string,
  accepted: Accepted,
): Promise<void> {
  const { db, request } = scope;
  const remove = db
    .update(accounts)
    .set({ deletedAt: request.now, deletedBy: actor, ...touched(accounts.version, request.now) })
    .where(and(living(id), rules(proved), atVersion(accounts.version, accepted), not(isFirst)));
  const conditions = { accepted, rule: rules, isFirst };
  await commit(scope, [must(remove, () => explain(scope, id, conditions))], []);
}

/** Brings a deleted account back with its members, unless its name or domain was given away. */
export async function restoreAccount(scope: TenantScope, id: string): Promise<Account> {
  const { db, request } = scope;
  const restore = db
    .update(accounts)
    .set({ deletedAt: null, deletedBy: null, ...touched(accounts.version, request.now) })
    .where(and(eq(accounts.id, id), isNotNull(accounts.deletedAt), rules(proved)));
  const change = must(restore, () => explain(scope, id, { rule: rules, state: "deleted" }));
  const [rows] = await commit(scope, [change], [accountQuery(db, id)]).catch(taken);
  return toAccount(rows);
}

type Conditions = {
  readonly rule: Rule;
  readonly accepted?: Accepted;
  readonly fits?: SQL | undefined;
  readonly isFirst?: SQL;
  /** What the account had to be; living unless said otherwise. */
  readonly state?: "deleted";
};

/** The batch touched no row; a look at it says which condition failed. */
async function explain(
  scope: TenantScope,
  id: string,
  { rule, accepted, fits = sql`true`, isFirst = sql`false`, state }: Conditions,
): Promise<Error> {
  const { version, deletedAt } = accounts;
  const [[row]] = await read(scope, (asked) => {
    const about = { seen: visible(asked), mine: rule(asking(asked)), fits, isFirst };
    return [
      asked.db
        .select({ version, deletedAt, ...about })
        .from(accounts)
        .where(eq(accounts.id, id)),
    ];
  });
  const gone = row?.deletedAt != null;
  if (!row?.seen || gone !== (state === "deleted")) return noSuchAccount();
  if (!row.mine) return new ApiError("forbidden", "You may not make this change to this account");
  if (Array.isArray(accepted) && !accepted.includes(row.version))
    return new ApiError("precondition_failed", "The account changed since you read it");
  if (row.isFirst) return new ApiError("conflict", "The tenant's first account stays");
  if (!row.fits) return tooLarge();
  return unavailable("The account is changing at this moment", undefined, 1);
}

const tooLarge = () =>
  invalidField(`settings: would hold more than ${maxJsonBytes} bytes`, {
    in: "body",
    path: "settings",
    message: `would hold more than ${maxJsonBytes} bytes`,
  });

function taken(error: unknown): never {
  if (isUniqueViolation(error, "accounts.name"))
    throw new ApiError("name_taken", "An account of this name exists", { cause: error });
  if (isUniqueViolation(error, "accounts.domain"))
    throw new ApiError("domain_taken", "An account with this domain exists", { cause: error });
  throw error;
}
