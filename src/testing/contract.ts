import { inject } from "vitest";
import type { Access } from "../core/access.ts";
import type { Answer } from "./client.ts";
import { mismatches, type Schema, type Schemas } from "./json-schema.ts";

type Content = Record<string, { schema: Schema }>;
type Response = {
  description: string;
  headers?: Record<string, unknown>;
  content?: Content;
  "x-codes"?: string[];
};
type Parameter = { name: string; in: string; required?: boolean; schema: Schema };
export type OpenApi = {
  openapi: string;
  paths: Record<string, Record<string, Omit<Operation, "method" | "path" | "parameters">>>;
  components: {
    schemas: Schemas;
    parameters: Record<string, Parameter>;
    headers: Record<string, { readonly required: boolean }>;
  };
};

/** One operation of the document, its parameters spelled out. */
export type Operation = {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: string[];
  readonly security: unknown[];
  readonly "x-plane": string;
  readonly "x-access"?: Access;
  readonly parameters: Parameter[];
  readonly requestBody?: { content: Content };
  readonly responses: Record<string, Response>;
};

type Contract = { readonly document: OpenApi; readonly operations: Operation[] };
let served: Promise<Contract> | undefined;

/** The document as the shared Worker serves it. */
export function servedContract(): Promise<Contract> {
  served ??= fetch(`${inject("stack").apiUrl}/openapi.json`)
    .then((answer) => answer.json() as Promise<OpenApi>)
    .then((document) => ({ document, operations: operationsOf(document) }));
  return served;
}

const operationsOf = ({ paths, components }: OpenApi): Operation[] =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => {
      const { parameters = [] } = operation as { parameters?: (Parameter & { $ref?: string })[] };
      return {
        ...operation,
        method: method.toUpperCase(),
        path,
        parameters: parameters.map((parameter) => {
          const name = parameter.$ref?.replace("#/components/parameters/", "");
          return name ? (components.parameters[name] as Parameter) : parameter;
        }),
      };
    }),
  );

/** Throws where an answer, to anybody's request in any test, is not what the document promises. */
export async function assertAsDocumented(
  { method, url }: { method: string; url: string },
  answer: Answer<unknown>,
): Promise<void> {
  const { pathname } = new URL(url);
  const { document, operations } = await servedContract();
  const operation = operationAt(operations, method, pathname);
  if (!operation && !pathname.startsWith("/api/v1/")) return;
  const found = [
    ...(answer.headers["x-request-id"] ? [] : ["there is no X-Request-Id"]),
    ...(answer.headers["cache-control"] === "no-store" ? [] : ["it may be stored"]),
    ...(operation ? violations(document, operation, answer) : []),
  ];
  if (found.length === 0) return;
  throw new Error(
    `${method} ${pathname} answered ${answer.status} against its contract: ${found.join("; ")}\n${JSON.stringify(answer.body)}`,
  );
}

/** The operation that a request to this path meets. */
export function operationAt(operations: Operation[], method: string, path: string) {
  const met = operations.filter(
    (candidate) => candidate.method === method && patternOf(candidate.path).test(path),
  );
  return met.find((candidate) => candidate.path === path) ?? met[0];
}

const patternOf = (path: string) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);

function violations(
  { components }: OpenApi,
  { responses }: Operation,
  { status, headers, body }: Answer<unknown>,
): string[] {
  const response = responses[status];
  if (!response) return ["the status is not documented"];
  const absent = Object.keys(status < 400 ? (response.headers ?? {}) : {})
    .filter((name) => components.headers[name]?.required !== false)
    .filter((name) => headers[name.toLowerCase()] === undefined)
    .map((name) => `there is no ${name}`);
  if (!response.content) return [...absent, ...(body === "" ? [] : ["there should be no body"])];
  const type = (headers["content-type"] ?? "").replace(/;.*/, "");
  const content = response.content[type];
  if (!content) return [`${type} is not documented`];
  return [
    ...absent,
    ...mismatches(components.schemas, content.schema, body),
    ...(status >= 400 && type.includes("problem")
      ? problemViolations(response, status, headers, body)
      : []),
  ];
}

function problemViolations(
  { "x-codes": codes = [] }: Response,
  status: number,
  headers: Record<string, string>,
  body: unknown,
): string[] {
  const problem = body as Record<string, unknown>;
  const needed = {
    unauthenticated: "www-authenticate",
    dependency_unavailable: "retry-after",
  }[String(problem["code"])];
  return [
    ...(codes.includes(String(problem["code"])) ? [] : [`${problem["code"]} is not documented`]),
    ...(problem["status"] === status && problem["statusCode"] === status ? [] : ["two statuses"]),
    ...(problem["requestId"] === headers["x-request-id"] ? [] : ["two request ids"]),
    ...(problem["message"] === problem["detail"] ? [] : ["two messages"]),
    ...(needed && headers[needed] === undefined ? [`there is no ${needed}`] : []),
  ];
}
