import { Hono } from "hono";
import type { ApiError } from "../core/error.ts";
import { uuidv7 } from "../core/id.ts";
import { log } from "./log.ts";
import { problemResponse } from "./problem.ts";

/** What runs when settings are missing: alive, and telling every caller which settings. */
export function createMisconfigured(error: ApiError) {
  const app = new Hono();
  app.get("/health", (c) => c.json({ status: "ok" }));
  app.all("*", (c) => {
    const requestId = uuidv7();
    const { path, method } = c.req;
    log("error", "request", { requestId, method, path, status: error.status, code: error.code });
    const response = problemResponse(error, { path, requestId });
    response.headers.set("x-request-id", requestId);
    return response;
  });
  return app;
}
