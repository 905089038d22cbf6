import { index, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { instant } from "./columns.ts";

/**
 * What came of a request that carried an Idempotency-Key: the rows its batch read after it wrote, put
 * down by that very batch. Both kinds of database have one.
 */
export const idempotencyKeysTable = () =>
  sqliteTable(
    "idempotency_keys",
    {
      /** A digest of caller, operation and key. */
      id: text().primaryKey(),
      /** A digest of what was sent. */
      fingerprint: text().notNull(),
      results: text().notNull(),
      expiresAt: instant().notNull(),
    },
    (t) => [index("idempotency_keys_expiry").on(t.expiresAt)],
  );
