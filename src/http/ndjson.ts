import type { Context } from "hono";
import { noteDenial } from "../tenant/denial.ts";
import type { TenantEnv } from "./context.ts";
import { describeCauses, levelOf, log } from "./log.ts";
import { asApiError } from "./problem.ts";

/** Text is a line of JSON already. */
type Pages = AsyncGenerator<readonly (object | string)[], void>;

/**
 * Answers with a file of JSON, one object on a line, each page fetched when the client has taken the
 * one before. The first is there before the answer begins, so that what goes wrong until then is told
 * like any failure. Later the file breaks off, and never looks whole.
 */
export async function ndjson(c: Context<TenantEnv>, fileName: string, pages: Pages) {
  let first: IteratorResult<readonly (object | string)[], void> | undefined = await pages.next();
  const file = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const page = first ?? (await pages.next());
          first = undefined;
          if (page.done) controller.close();
          else controller.enqueue(linesOf(page.value));
        } catch (error) {
          noteBreak(c, error);
          controller.error(error);
        }
      },
      async cancel() {
        await pages.return();
      },
    },
    { highWaterMark: 0 },
  );
  return c.body(file, 200, {
    "content-type": "application/x-ndjson",
    "content-disposition": `attachment; filename="${fileName}"`,
  });
}

const encoder = new TextEncoder();
const lineOf = (entry: object | string) =>
  typeof entry === "string" ? entry : JSON.stringify(entry);
const linesOf = (page: readonly (object | string)[]) =>
  encoder.encode(page.map((entry) => `${lineOf(entry)}\n`).join(""));

/** The request has its line in the log already, from when the answer began. */
function noteBreak(c: Context<TenantEnv>, thrown: unknown): void {
  const { scope, request } = c.var;
  const error = asApiError(thrown);
  const refused = error.status === 401 || error.status === 403;
  if (refused) noteDenial(scope.renewed(), error.code);
  log(levelOf(error.status), "answer_broken_off", {
    requestId: request.requestId,
    tenantId: scope.tenant.id,
    ms: Date.now() - request.now,
    code: error.code,
    causes: describeCauses(error.status < 500 ? error.cause : error),
  });
}
