import { ApiError, unavailable } from "../core/error.ts";

function* causes(error: unknown): Generator<Error & { code?: unknown; status?: unknown }> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause;
}

const some = (error: unknown, pattern: RegExp): boolean => {
  for (const { message } of causes(error)) if (pattern.test(message)) return true;
  return false;
};

/** Over HTTP a constraint has no code of its own: the message names the column, as `table.column`. */
export const isUniqueViolation = (error: unknown, column?: string): boolean =>
  some(error, /UNIQUE constraint failed/) &&
  (column === undefined || some(error, new RegExp(`\\b${column.replace(".", "\\.")}\\b`)));

/** What SQL itself refused: the caller's to translate. Everything else is the database's fault. */
const isConstraint = (error: unknown) => some(error, /constraint failed|SQLITE_CONSTRAINT/);

/** The index of the statement that took a batch down, when the server says it. */
export function failedStatement(error: unknown): number | undefined {
  for (const cause of causes(error))
    if ("statementIndex" in cause && typeof cause.statementIndex === "number")
      return cause.statementIndex;
  return undefined;
}

/** Nothing was applied and the next try may pass: a busy lock, a full server, the false 404 of a cold namespace. */
export const isTransient = (error: unknown): boolean => {
  for (const { code, status } of causes(error))
    if (code === "SQLITE_BUSY" || status === 404 || status === 429) return true;
  return some(error, /database is locked/);
};

/** The platform lets nobody write there at this moment. */
export const isBlocked = (error: unknown): boolean => {
  for (const { code } of causes(error)) if (code === "BLOCKED") return true;
  return some(error, /Operation was blocked/);
};

/** SQL the database does not understand: code and schema do not belong together. */
export const isMisfit = (error: unknown): boolean =>
  some(error, /no such (table|column)|syntax error|has no column/);

/** Constraint failures, misfits and our own errors pass; whatever else happened, the database is unavailable. */
export function asFault(error: unknown, label: string): unknown {
  if (error instanceof ApiError || isConstraint(error) || isMisfit(error)) return error;
  return unavailable(`${label} does not answer`, error);
}
