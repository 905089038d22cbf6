import { ApiError } from "../core/error.ts";

type Level = "info" | "warn" | "error";

/** One JSON object per line. Values are ours: no tokens, bodies, SQL or parameters. */
export function log(level: Level, event: string, fields: Record<string, unknown>): void {
  console.log(JSON.stringify({ level, event, ...fields }));
}

/** Errors that quote what they were given: SQL with its parameters, a server's answer. */
const quoting = new Set(["DrizzleQueryError", "SyntaxError"]);

/** The chain of causes as text; of errors that quote, only the name. */
export function describeCauses(error: unknown): string[] {
  const lines: string[] = [];
  for (let cause = error; cause !== undefined && lines.length < 6; ) {
    if (!(cause instanceof Error)) {
      lines.push(typeof cause === "string" ? cause : JSON.stringify(cause));
      break;
    }
    const quiet = quoting.has(cause.name) || cause.message.startsWith("Failed query");
    lines.push(quiet ? cause.name : `${cause.name}: ${cause.message}`);
    cause = cause.cause;
  }
  return lines;
}

export const levelOf = (status: number): Level =>
  status >= 500 ? "error" : status === 401 || status === 403 ? "warn" : "info";

/** Where an error that nobody foresaw came from. */
export const stackOf = (error: unknown): string[] | undefined => {
  const cause = error instanceof ApiError ? error.cause : error;
  if (!(cause instanceof Error)) return undefined;
  return cause.stack
    ?.split("\n")
    .filter((line) => line.trimStart().startsWith("at "))
    .slice(0, 6)
    .map((line) => line.trim());
};
