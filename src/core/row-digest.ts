import { createHash } from "node:crypto";

/** Of a table without rows. */
export const noRows = "";

/**
 * A chain of SHA-256 over rows in order: the same for the same rows, however they were cut into pages,
 * and carried on from nothing but the digest so far.
 */
export const digestAfter = (digest: string, row: string): string =>
  createHash("sha256").update(`${digest}\n${row}`).digest("hex");
