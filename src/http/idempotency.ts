import type { MiddlewareHandler } from "hono";
import { invalidField } from "../core/error.ts";
import { sha256 } from "../core/mac.ts";
import { type Caller, callerName } from "../core/request.ts";
import type { Once } from "../db/once.ts";
import type { CallerEnv } from "./context.ts";

const header = "idempotency-key";

/**
 * `Idempotency-Key` on a POST (draft-ietf-httpapi-idempotency-key-header): the key is the caller's own,
 * for one operation. Whatever is written takes the key along in its batch; here it is only read.
 */
export const idempotent: MiddlewareHandler<CallerEnv> = async (c, next) => {
  const key = c.req.method === "POST" ? c.req.header(header) : undefined;
  if (key === undefined) return await next();
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw invalidField("Idempotency-Key holds 1 to 255 printable characters and no spaces", {
      in: "header",
      path: header,
      message: "must be 1 to 255 printable characters without spaces",
    });
  const once = await onceOf(c.var.caller, c.req, key, c.var.request.now);
  if (c.var.scope) c.set("scope", { ...c.var.scope, once });
  if (c.var.registry) c.set("registry", { ...c.var.registry, once });
  await next();
  if (once.outcome === "replayed") c.header("idempotency-replayed", "true");
};

type Asked = {
  path: string;
  url: string;
  text(): Promise<string>;
  header(name: string): string | undefined;
};

async function onceOf(caller: Caller, request: Asked, key: string, now: number): Promise<Once> {
  const { search } = new URL(request.url);
  const account = request.header("account-id") ?? "";
  return {
    id: await sha256(JSON.stringify([callerName(caller), request.path, key])),
    fingerprint: await sha256(JSON.stringify([search, account, await request.text()])),
    now,
  };
}
