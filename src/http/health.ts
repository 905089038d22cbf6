import { createRoute, z } from "@hono/zod-openapi";
import { publicRouter } from "./context.ts";
import { forEveryone } from "./guard.ts";
import { errors, json, tag } from "./openapi.ts";
import { Problem } from "./problem.ts";

const Health = z.object({ status: z.enum(["ok"]) }).openapi("Health");
const Readiness = z
  .object({
    status: z.enum(["ready", "not_ready"]),
    components: z.record(z.string(), z.enum(["up", "down"])),
  })
  .openapi("Readiness");

const tags = tag("Health", "Whether the service runs, and what it depends on.");
export const health = publicRouter();

health.openapi(
  createRoute({
    ...forEveryone(),
    method: "get",
    path: "/health",
    operationId: "getHealth",
    summary: "The Worker runs; touches nothing else",
    tags,
    responses: { 200: json(Health, "It runs"), ...errors("payload_too_large", "internal_error") },
  }),
  (c) => c.json({ status: "ok" as const }, 200),
);

health.openapi(
  createRoute({
    ...forEveryone(),
    method: "get",
    path: "/ready",
    operationId: "getReadiness",
    summary: "What the service depends on, and whether it answers",
    tags,
    responses: {
      200: json(Readiness, "Everything answers"),
      503: {
        description: "Something does not, or the settings are incomplete",
        content: {
          "application/json": { schema: Readiness },
          "application/problem+json": { schema: Problem },
        },
        "x-codes": ["config_invalid"],
      },
      ...errors("payload_too_large", "internal_error"),
    },
  }),
  async (c) => {
    const components = await c.var.ports.check(c.var);
    if (Object.values(components).every((state) => state === "up"))
      return c.json({ status: "ready" as const, components }, 200);
    c.header("retry-after", "5");
    return c.json({ status: "not_ready" as const, components }, 503);
  },
);
