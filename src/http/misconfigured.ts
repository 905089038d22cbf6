import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { ApiError } from "../core/error.ts";
import { uuidv7 } from "../core/id.ts";
import { levelOf, log } from "./log.ts";
import { problemResponse } from "./problem.ts";

/** What runs when settings are missing: alive, and telling every caller which settings. */
export function createMisconfigured(error: ApiError) {
  const app = new Hono<{ Variables: { requestId: string } }>();
  app.use(async (c, next) => {
    const requestId = uuidv7();
    c.set("requestId", requestId);
    await next();
    c.header("x-request-id", requestId);
    c.header("cache-control", "no-store");
    const { status } = c.res;
    const { method, path } = c.req;
    const code = status === error.status ? error.code : undefined;
    log(levelOf(status), "request", { requestId, method, path, status, code });
  });
  app.use(secureHeaders());
  app.get("/health", (c) => c.json({ status: "ok" }));
  app.all("*", (c) => problemResponse(error, { path: c.req.path, requestId: c.var.requestId }));
  return app;
}
