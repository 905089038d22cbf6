import { z } from "@hono/zod-openapi";
import { ApiError, catalogue, type ErrorCode } from "../core/error.ts";

const FieldError = z
  .object({
    in: z.enum(["body", "query", "path", "header"]),
    path: z.string(),
    message: z.string(),
  })
  .openapi("FieldError");

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]]),
    requestId: z.string(),
    statusCode: z.int(),
    message: z.string(),
    error: z.string(),
    errors: z.array(FieldError).optional(),
  })
  .openapi("Problem", {
    description:
      "Every error (RFC 9457). `code` is permanent: branch on it, not on the texts. `statusCode`, `message` " +
      "and `error` repeat `status`, `detail` and `title`; `errors` lists what is wrong with the input.",
  });
export type Problem = z.infer<typeof Problem>;

/** Renders the only error body there is. */
export function problemResponse(
  error: ApiError,
  where: { path: string; requestId: string },
): Response {
  const { status, title } = catalogue[error.code];
  const body: Problem = {
    type: `https://tenantry.dev/problems/${error.code.replaceAll("_", "-")}`,
    title,
    status,
    detail: error.message,
    instance: where.path,
    code: error.code,
    requestId: where.requestId,
    statusCode: status,
    message: error.message,
    error: title,
    ...(error.errors.length > 0 ? { errors: [...error.errors] } : {}),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...challenge(error),
      ...error.headers,
    },
  });
}

/** RFC 6750: a missing token gets the bare challenge, a bad one is called invalid. */
const challenge = (error: ApiError): Record<string, string> =>
  error.status === 401 && !error.headers["www-authenticate"]
    ? { "www-authenticate": 'Bearer realm="tenantry"' }
    : {};

/** Unknown errors keep their message for the log, never for the client. */
export const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError
    ? error
    : new ApiError("internal_error", "Quote the request id when you report this", { cause: error });
