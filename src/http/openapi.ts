import { z } from "@hono/zod-openapi";
import { catalogue, type ErrorCode } from "../core/error.ts";
import { Problem } from "./problem.ts";

const groups = new Map<string, string>();

/** Names a group of operations and says what it is about. */
export function tag(name: string, description: string): string[] {
  groups.set(name, description);
  return [name];
}
export const tags = () => [...groups].map(([name, description]) => ({ name, description }));

export type ResponseHeader =
  | "X-Request-Id"
  | "WWW-Authenticate"
  | "Retry-After"
  | "ETag"
  | "Location"
  | "Content-Disposition"
  | "Idempotency-Replayed";
export const declare = (...names: ResponseHeader[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

export const json = <S extends z.ZodType>(
  schema: S,
  description: string,
  ...headers: ResponseHeader[]
) => ({
  description,
  headers: declare(...headers),
  content: { "application/json": { schema } },
});

type Text = { schema: z.ZodString };

/** A file of JSON, one object of the named schema on each line; to be read as it arrives. */
export const lines = (schema: string, description: string) => ({
  description: `${description}: one \`${schema}\` on each line`,
  headers: declare("Content-Disposition"),
  // By its own type the handler would have to answer with JSON.
  content: { "application/x-ndjson": { schema: z.string() } } as Record<string, Text>,
});

/** `required` matters: without it a request that omits Content-Type skips validation altogether. */
export const body = <S extends z.ZodType>(schema: S) => ({
  required: true as const,
  content: { "application/json": { schema } },
});

type Problems<C extends ErrorCode> = Record<
  (typeof catalogue)[C]["status"],
  {
    description: string;
    "x-codes": ErrorCode[];
    content: { "application/problem+json": { schema: typeof Problem } };
  }
>;

/** The failures an operation can end in, one response per status that lists its codes. */
export function errors<C extends ErrorCode>(...codes: C[]): Problems<C> {
  const statuses = Map.groupBy(new Set(codes), (code) => catalogue[code].status);
  const entries = [...statuses].map(([status, group]) => [
    status,
    {
      description: group.map((code) => `\`${code}\`: ${catalogue[code].title}.`).join(" "),
      "x-codes": group,
      content: { "application/problem+json": { schema: Problem } },
    },
  ]);
  return Object.fromEntries(entries) as Problems<C>;
}
