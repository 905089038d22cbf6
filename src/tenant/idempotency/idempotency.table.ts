import { idempotencyKeysTable } from "../../db/idempotency.columns.ts";

export const idempotencyKeys = idempotencyKeysTable();
