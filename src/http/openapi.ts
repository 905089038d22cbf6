import type { z } from "@hono/zod-openapi";
import { catalogue, type ErrorCode } from "../core/error.ts";
import { Problem } from "./problem.ts";

export const json = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

/** `required` matters: without it a request that omits Content-Type skips validation altogether. */
export const body = <S extends z.ZodType>(schema: S) => ({
  required: true as const,
  content: { "application/json": { schema } },
});

type Problems<C extends ErrorCode> = Record<
  (typeof catalogue)[C]["status"],
  { description: string; content: { "application/problem+json": { schema: typeof Problem } } }
>;

/** The failures a route can end in, one response per status that lists its codes. */
export function errors<C extends ErrorCode>(...codes: C[]): Problems<C> {
  const statuses = Map.groupBy(codes, (code) => catalogue[code].status);
  const entries = [...statuses].map(([status, group]) => [
    status,
    {
      description: group.map((code) => `\`${code}\`: ${catalogue[code].title}`).join(". "),
      content: { "application/problem+json": { schema: Problem } },
    },
  ]);
  return Object.fromEntries(entries) as Problems<C>;
}

/** What any route can answer, whatever it does. */
export const commonErrors = errors(
  "invalid_request",
  "payload_too_large",
  "internal_error",
  "dependency_unavailable",
  "config_invalid",
);
