import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { ApiError } from "../core/error.ts";
import type { PublicEnv } from "./context.ts";

const maxBody = 64 * 1024;

export const limitBody = bodyLimit({
  maxSize: maxBody,
  onError: () => {
    throw new ApiError("payload_too_large", `A body holds at most ${maxBody} bytes`);
  },
});

const isJson = /^application\/(merge-patch\+)?json\s*(;|$)/i;

/** A body that is there must be JSON. Merge patches (RFC 7396) are taken under their own name too. */
export const requireJson: MiddlewareHandler<PublicEnv> = async (c, next) => {
  const type = c.req.header("content-type");
  const empty = !c.req.raw.body || c.req.header("content-length") === "0";
  if (!empty && !(type && isJson.test(type)))
    throw new ApiError("unsupported_media_type", "Send the body as application/json");
  await next();
};
