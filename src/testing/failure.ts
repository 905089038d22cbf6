import { inspect } from "node:util";
import { expect } from "vitest";
import { ApiError } from "../core/error.ts";

/** What the work ends in, which must be a failure in our own words. */
export async function failureOf(work: Promise<unknown>): Promise<ApiError> {
  const outcome = await work.then(
    () => "no failure",
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(ApiError);
  return outcome as ApiError;
}

/** Everything an error and its causes can tell, down to what only a debugger shows. */
export function allOf(error: unknown): string {
  const parts: string[] = [inspect(error, { depth: 20, showHidden: true })];
  for (
    let cause = error;
    cause !== undefined;
    cause = cause instanceof Error ? cause.cause : undefined
  )
    parts.push(
      JSON.stringify(cause),
      cause instanceof Error ? `${cause.message} ${cause.stack}` : "",
    );
  return parts.join("\n");
}
