import { z } from "@hono/zod-openapi";
import { isClean } from "./text.ts";

export type JsonObject = Record<string, unknown>;

export const maxJsonBytes = 8 * 1024;
const maxDepth = 5;
/** Whoever copies such a key from object to object changes what all objects inherit. */
const reserved = new Set(["__proto__", "constructor", "prototype"]);

/**
 * A JSON object whose fields are the customer's own business: small enough to travel with its row, and
 * nothing in it that SQLite, a log or a careless reader could stumble over.
 */
export const jsonObject = (maxBytes = maxJsonBytes) =>
  z
    .custom<JsonObject>()
    .superRefine((value, context) => {
      const message = faultOf(value, maxBytes);
      if (message) context.addIssue({ code: "custom", message });
    })
    .openapi({
      type: "object",
      additionalProperties: true,
      description: `Any JSON object of at most ${maxBytes} bytes, nested at most ${maxDepth} deep.`,
    });

function faultOf(value: unknown, maxBytes: number): string | undefined {
  if (!isPlain(value)) return "must be an object";
  const fault = faultWithin(value, 1);
  if (fault) return fault;
  const bytes = new TextEncoder().encode(JSON.stringify(value)).length;
  return bytes > maxBytes ? `holds more than ${maxBytes} bytes` : undefined;
}

const isPlain = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Goes no deeper than it allows, whatever it is given. */
function faultWithin(value: unknown, depth: number): string | undefined {
  if (!isPlain(value) && !Array.isArray(value)) return faultOfScalar(value);
  if (depth > maxDepth) return `is nested more than ${maxDepth} deep`;
  for (const [key, inner] of Object.entries(value)) {
    if (reserved.has(key)) return `must not hold the key ${key}`;
    const fault = faultOfScalar(key) ?? faultWithin(inner, depth + 1);
    if (fault) return fault;
  }
  return undefined;
}

function faultOfScalar(value: unknown): string | undefined {
  if (typeof value === "string") return isClean(value) ? undefined : "holds control characters";
  // What is too large for a double would be stored as null.
  if (typeof value === "number") return Number.isFinite(value) ? undefined : "holds no such number";
  return value === null || typeof value === "boolean" ? undefined : "holds what is not JSON";
}
