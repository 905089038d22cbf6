import { count, lte } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { write } from "../../db/write.ts";
import { commit } from "../commit.ts";
import type { RegistryScope } from "../scope.ts";
import { idempotencyKeys } from "./idempotency.table.ts";

/** Forgets the answers kept for repeated requests once a repetition would be a new request. */
export async function forgetIdempotencyKeys(scope: RegistryScope) {
  const { db, request } = scope;
  const expired = lte(idempotencyKeys.expiresAt, request.now);
  const [[found]] = await batch(db, "read", [
    db.select({ keys: count() }).from(idempotencyKeys).where(expired),
  ] as const);
  const deleted = found?.keys ?? 0;
  if (deleted > 0) await commit(scope, [write(db.delete(idempotencyKeys).where(expired))]);
  return { deleted };
}
