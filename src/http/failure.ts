import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { type ApiError, invalidField } from "../core/error.ts";
import { assertAdmitted } from "../tenant/admit.ts";
import { noteDenial } from "../tenant/denial.ts";
import type { PublicEnv } from "./context.ts";
import { describeCauses, stackOf } from "./log.ts";
import { asApiError, problemResponse } from "./problem.ts";

/**
 * Every error leaves through here: one shape for the client, the causes for the log. What a client is
 * told of its own mistake may quote what it sent, and is not logged.
 */
export async function answerFailure(thrown: Error, c: Context<PublicEnv>): Promise<Response> {
  const error = await guardFirst(known(thrown), c);
  if (c.var.scope && (error.status === 401 || error.status === 403))
    noteDenial(c.var.scope, error.code);
  c.set("failure", {
    code: error.code,
    causes: describeCauses(error.status < 500 ? error.cause : error),
    ...(error.code === "internal_error" ? { stack: stackOf(error) } : {}),
  });
  return problemResponse(error, { path: c.req.path, requestId: c.var.request.requestId });
}

const ofInput = [400, 415, 428];

/** Who may not do a thing at all is told that, and not what is wrong with their input. */
async function guardFirst(error: ApiError, c: Context<PublicEnv>): Promise<ApiError> {
  const { scope } = c.var;
  if (!scope || !ofInput.includes(error.status)) return error;
  const intent = c.req.method === "GET" || c.req.method === "HEAD" ? "read" : "write";
  return await assertAdmitted(scope, intent).then(
    () => error,
    (refused) => asApiError(refused),
  );
}

function known(error: Error): ApiError {
  if (!(error instanceof HTTPException) || error.status >= 500) return asApiError(error);
  return invalidField(error.message || "The request is malformed", {
    in: "body",
    path: "",
    message: "is not well-formed JSON",
  });
}
