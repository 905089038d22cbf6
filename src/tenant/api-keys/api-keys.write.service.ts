import { and, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import { bearerHint, newSecretBytes, writeBearer } from "../../core/bearer-secret.ts";
import { ApiError, invalidField } from "../../core/error.ts";
import { newId } from "../../core/id.ts";
import { sha256 } from "../../core/mac.ts";
import { insertSelect } from "../../db/insert-select.ts";
import { must, provided, write } from "../../db/write.ts";
import { accounts } from "../accounts/accounts.table.ts";
import { commit } from "../commit.ts";
import { proved, rules } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { actor } from "../stamps.ts";
import { changeable, covers, within } from "./api-keys.rules.ts";
import type { IssuedApiKey, NewApiKey, Rotation } from "./api-keys.schema.ts";
import { keyQuery, noSuchKey, toWire } from "./api-keys.service.ts";
import { apiKeys } from "./api-keys.table.ts";

const defaultMs = 90 * 86_400_000;

/** Issues a key. It is shown in the answer and nowhere else: only its digest is stored. */
export async function createApiKey(scope: TenantScope, input: NewApiKey): Promise<IssuedApiKey> {
  const { db, request } = scope;
  const { now } = request;
  const id = newId("key", now);
  const { text, hash } = await newText(scope, id);
  const expiresAt = input.expiresAt === undefined ? now + defaultMs : input.expiresAt;
  if (expiresAt !== null && expiresAt <= now) throw over();
  const account = sql`coalesce(${input.accountId ?? null}, iif(${rules(proved)}, null, ${proved.accountId}))`;
  const row = {
    id,
    name: input.name,
    hint: bearerHint(text),
    hash,
    scopes: input.scopes,
    ownerId: proved.userId,
    accountId: account,
    expiresAt,
    createdAt: now,
    createdBy: actor,
  };
  const writes = [
    provided(covers(proved.role, sql`${JSON.stringify(input.scopes)}`), beyond),
    provided(mayWorkIn(account), noSuchAccount),
    provided(isRoom(scope), () => full(scope)),
    provided(hasShare(scope), () => shareUsed(scope)),
    write(db.insert(apiKeys).values(row)),
  ];
  const [[key]] = await commit(scope, writes, [keyQuery(scope, id)] as const);
  return await issued(scope, key, text);
}

/**
 * A new key in the place of an old one, which stays good for the overlap. Whoever rotates a key owns
 * it from then on: so the keys of somebody who leaves are taken over.
 */
export async function rotateApiKey(
  scope: TenantScope,
  id: string,
  { overlapMinutes }: Rotation,
): Promise<IssuedApiKey> {
  const { db, request } = scope;
  const { now } = request;
  const newKey = newId("key", now);
  const { text, hash } = await newText(scope, newKey);
  const old = and(eq(apiKeys.id, id), within(proved));
  const live = sql`revoked_at is null and replaced_by is null and coalesce(expires_at > ${now}, 1)`;
  const row = {
    id: newKey,
    name: sql`name`,
    hint: bearerHint(text),
    hash,
    scopes: sql`scopes`,
    ownerId: proved.userId,
    accountId: sql`account_id`,
    // For as long as the old one was made for.
    expiresAt: sql`${now} + expires_at - created_at`,
    createdAt: now,
    createdBy: actor,
  };
  const ends = sql`min(coalesce(expires_at, ${now + overlapMinutes * 60_000}), ${now + overlapMinutes * 60_000})`;
  const isOld = (condition: SQL) =>
    sql`exists (select 1 from ${apiKeys} where ${old} and ${condition})`;
  const writes = [
    provided(isOld(sql`true`), noSuchKey),
    provided(isOld(changeable(proved)), notYours),
    provided(isOld(live), () => new ApiError("conflict", "The key is over, or was rotated before")),
    provided(isOld(covers(proved.role, sql`scopes`)), beyond),
    write(insertSelect(db, apiKeys, row, sql`from ${apiKeys} where ${old}`)),
    // Of a chain of replacements two are good: an overlap ends with the next one.
    write(
      db
        .update(apiKeys)
        .set({ expiresAt: now })
        .where(and(eq(apiKeys.replacedBy, id), gt(apiKeys.expiresAt, now))),
    ),
    write(db.update(apiKeys).set({ expiresAt: ends, replacedBy: newKey }).where(old)),
  ];
  const [[key]] = await commit(scope, writes, [keyQuery(scope, newKey)] as const);
  return await issued(scope, key, text);
}

/** Refused from the next request on. The row stays, for who asks what the key was. */
export async function revokeApiKey(scope: TenantScope, id: string): Promise<void> {
  const { db, request } = scope;
  const known = and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt), within(proved));
  const revoke = db
    .update(apiKeys)
    .set({ revokedAt: request.now, revokedBy: actor })
    .where(and(known, changeable(proved)));
  const exists = sql`exists (select 1 from ${apiKeys} where ${known})`;
  await commit(scope, [provided(exists, noSuchKey), must(revoke, notYours)], []);
}

/**
 * The text of a new key. Where the request may be repeated it follows from the request and the key's id,
 * so that the repetition can be answered although the text is stored nowhere.
 */
async function newText({ tenant, signers, once }: TenantScope, id: string) {
  const [signer] = await signers("bearer");
  const derived = once && (await signer.sign(`key ${id} of ${tenant.id} by ${once.id}`));
  const text = await writeBearer("key", tenant.id, derived ?? newSecretBytes(), signer);
  return { text, hash: await sha256(text) };
}

type Stored = Awaited<ReturnType<typeof keyQuery>>[number];

async function issued(
  scope: TenantScope,
  key: Stored | undefined,
  newest: string,
): Promise<IssuedApiKey> {
  if (!key) throw noSuchKey();
  const { hash, ...row } = key;
  const isRepeated = scope.once?.outcome === "replayed";
  const text = isRepeated ? (await newText(scope, row.id)).text : newest;
  // A repetition that comes after our own keys were changed can no longer tell the text.
  if (hash !== (await sha256(text)))
    throw new ApiError(
      "conflict",
      `The key ${row.id} was issued and cannot be shown again: rotate it`,
    );
  return { ...toWire(row), key: text };
}

const mayWorkIn = (account: SQL) => sql`(${account} is null and ${rules(proved)}
  or exists (select 1 from ${accounts} where id = ${account} and deleted_at is null
    and (${rules(proved)} or id = ${proved.accountId})))`;

/** Keys that are good and not replaced: an overlap takes no second place. */
const used = ({ request }: TenantScope, whose = sql``) => sql`(select count(*) from ${apiKeys}
  where revoked_at is null and replaced_by is null and coalesce(expires_at > ${request.now}, 1) ${whose})`;

const isRoom = (scope: TenantScope) => sql`${used(scope)} < ${scope.quotas.apiKeys}`;

/** So that nobody alone uses up what the tenant may have. */
const shareOf = ({ quotas }: TenantScope) => Math.ceil(quotas.apiKeys / 5);
const hasShare = (scope: TenantScope) =>
  sql`(${rules(proved)} or (${used(scope, sql`and owner_id = ${proved.userId}`)}) < ${shareOf(scope)})`;

const full = ({ quotas }: TenantScope) =>
  new ApiError(
    "quota_exceeded",
    `The tenant has ${quotas.apiKeys} API keys of ${quotas.apiKeys}: end one that is not needed`,
  );
const shareUsed = (scope: TenantScope) =>
  new ApiError(
    "quota_exceeded",
    `You have ${shareOf(scope)} API keys of ${shareOf(scope)}: end one that is not needed`,
  );
const over = () =>
  invalidField("expiresAt: is over already", {
    in: "body",
    path: "expiresAt",
    message: "is over already",
  });
const notYours = () => new ApiError("forbidden", "The key belongs to somebody who stands higher");
const beyond = () => new ApiError("forbidden", "A key may not do what you may not do");
const noSuchAccount = () => new ApiError("not_found", "No such account");
