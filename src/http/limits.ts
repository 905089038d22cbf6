import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { ApiError } from "../core/error.ts";
import type { PublicEnv } from "./context.ts";

const maxBody = 64 * 1024;

const refuse = (): never => {
  throw new ApiError("payload_too_large", `A body holds at most ${maxBody} bytes`);
};

/** For everyone, before any work: what a request says of its own size. */
export const limitAnnounced: MiddlewareHandler<PublicEnv> = async (c, next) => {
  if (Number(c.req.header("content-length") ?? 0) > maxBody) refuse();
  await next();
};

/** A body that does not say its size is read to count it, for callers who are known only. */
export const limitBody = bodyLimit({ maxSize: maxBody, onError: refuse });

const isJson = /^application\/(merge-patch\+)?json\s*(;|$)/i;

/** A body that is there must be JSON. Merge patches (RFC 7396) are taken under their own name too. */
export const requireJson: MiddlewareHandler<PublicEnv> = async (c, next) => {
  const type = c.req.header("content-type");
  const empty = !c.req.raw.body || c.req.header("content-length") === "0";
  if (!empty && !(type && isJson.test(type)))
    throw new ApiError("unsupported_media_type", "Send the body as application/json");
  await next();
};
