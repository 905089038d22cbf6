import type { OpenAPIHono } from "@hono/zod-openapi";
import { type Access, describeAccess } from "../core/access.ts";
import type { PublicEnv } from "./context.ts";
import { declare, errors, type ResponseHeader, tags } from "./openapi.ts";

type Answer = {
  description?: string;
  headers?: Record<string, unknown>;
  "x-codes"?: readonly string[];
};
type Operation = {
  "x-plane": "public" | "identity" | "tenant" | "operator";
  "x-access"?: Access;
  description?: string;
  parameters?: object[];
  responses: Record<string, Answer>;
};

/** The OpenAPI document of the app: what its routes declare, and what is true of all of them. */
export function openapiDocument(app: OpenAPIHono<PublicEnv>, title: string, tenantHeader: string) {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title,
      version: "1",
      description:
        "A tenant is a customer with a database of its own; an account is an organisation inside it. " +
        `Name the tenant by token claim, subdomain or ${tenantHeader}; all that are present must agree.`,
    },
    servers: [{ url: "/", description: "The deployment that serves this document" }],
    tags: tags(),
  });
  const components = {
    ...document.components,
    securitySchemes: { bearer, apiKey },
    parameters: parametersOf(tenantHeader),
    headers,
  };
  const paths = mapValues(document.paths as Record<string, object>, (item) =>
    mapValues(item as Record<string, Operation>, (operation, method) =>
      complete(method === "post" ? onceOnly(operation) : operation),
    ),
  );
  return { ...document, components, paths };
}

/** Who may call an operation is always said, and the headers that every answer carries. */
function complete({ description, responses, ...operation }: Operation): Operation {
  return {
    ...operation,
    description: [description, openTo(operation)].filter(Boolean).join("\n\n"),
    responses: mapValues(responses, (answer, status) => ({
      ...answer,
      headers: { ...declare("X-Request-Id", ...(byStatus[status] ?? [])), ...answer.headers },
    })),
  };
}

/** Every POST of somebody known takes an Idempotency-Key, and can refuse it. */
function onceOnly(operation: Operation): Operation {
  if (operation["x-plane"] === "public") return operation;
  const { parameters = [], responses } = operation;
  // As the document has them: schemas that were named are referred to.
  const content = {
    "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
  };
  const refusals = errors("idempotency_in_flight", "idempotency_mismatch");
  return {
    ...operation,
    parameters: [...parameters, { $ref: "#/components/parameters/IdempotencyKey" }],
    responses: {
      ...mapValues(responses, (answer, status) =>
        status.startsWith("2")
          ? { ...answer, headers: { ...declare("Idempotency-Replayed"), ...answer.headers } }
          : answer,
      ),
      ...mapValues(refusals as Record<string, Answer>, (refusal, status) => {
        const given = responses[status] ?? {};
        return {
          ...refusal,
          content,
          description: [given.description, refusal.description].filter(Boolean).join(" "),
          "x-codes": [...(given["x-codes"] ?? []), ...(refusal["x-codes"] ?? [])],
        };
      }),
    },
  };
}

function openTo({ "x-plane": plane, "x-access": access }: Omit<Operation, "responses">): string {
  if (access) return `Open to ${describeAccess(access)}.`;
  if (plane === "operator") return "Open to platform admins.";
  return plane === "identity" ? "Open to everyone with a valid token." : "Open to everyone.";
}

const byStatus: Record<string, ResponseHeader[]> = {
  401: ["WWW-Authenticate"],
  503: ["Retry-After"],
};

const header = (description: string, required = true) => ({
  description,
  required,
  schema: { type: "string" as const },
});
const headers: Record<ResponseHeader, ReturnType<typeof header>> = {
  "X-Request-Id": header("Names the request in logs and audit: as you sent it, or a new id."),
  "WWW-Authenticate": header("`Bearer`, with an error if you sent a token (RFC 6750)."),
  "Retry-After": header("When to try again, in seconds."),
  ETag: header("The version of the resource: send it back as If-Match."),
  Location: header("Where the new resource is, or where to go on."),
  "Content-Disposition": header("A name for the file."),
  "Idempotency-Replayed": header(
    "`true` where the answer is that of the request this one repeats.",
    false,
  ),
};

const bearer = {
  type: "http" as const,
  scheme: "bearer",
  bearerFormat: "JWT",
  description: "An access token of the identity provider, for this API's audience.",
};

const apiKey = {
  type: "http" as const,
  scheme: "bearer",
  bearerFormat: "tnt_live_…",
  description: "An API key of a tenant, in the place of a token. It names its tenant itself.",
};

/** What `guarded` refers to. Without examples: the documentation page would send them along. */
const parametersOf = (tenantHeader: string) => ({
  Tenant: {
    name: tenantHeader,
    in: "header" as const,
    description: "The id or slug of the tenant, unless the token or the host names it.",
    schema: { type: "string" as const },
  },
  Account: {
    name: "account-id",
    in: "header" as const,
    description: "The account you work in, where your rights come from an account.",
    schema: { type: "string" as const },
  },
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header" as const,
    description:
      "Makes the request safe to repeat for 24 hours: the same key and body have one effect and one answer. " +
      "An answer that is repeated carries `Idempotency-Replayed: true`.",
    schema: { type: "string" as const, minLength: 1, maxLength: 255, pattern: "^[\\x21-\\x7e]+$" },
  },
});

const mapValues = <From, To>(
  source: Record<string, From>,
  map: (value: From, key: string) => To,
): Record<string, To> =>
  Object.fromEntries(Object.entries(source).map(([key, value]) => [key, map(value, key)]));
