import type { Hono } from "hono";
import { ApiError } from "../core/error.ts";
import type { PublicEnv } from "./context.ts";

/**
 * 405 with `Allow` where the path exists under other methods, 404 where it does not. A path that is
 * spelled out, such as `/members/me`, is not the one with a parameter in its place.
 */
export function unmatched(app: Hono<PublicEnv>, method: string, path: string): ApiError {
  const routes = app.routes.filter(
    (route) => route.method !== "ALL" && patternOf(route.path).test(path),
  );
  const exact = routes.filter((route) => route.path === path);
  const allowed = new Set((exact.length > 0 ? exact : routes).map((route) => route.method));
  if (allowed.size === 0) return new ApiError("not_found", "No such endpoint");
  if (allowed.has("GET")) allowed.add("HEAD");
  return new ApiError("method_not_allowed", `${method} is not possible here`, {
    headers: { allow: [...allowed].sort().join(", ") },
  });
}

const patternOf = (path: string) =>
  new RegExp(
    `^${path.replaceAll(/[.+^$()|[\]\\]/g, "\\$&").replaceAll(/:\w+|\{\w+\}/g, "[^/]+")}$`,
  );
