import { cors } from "hono/cors";

/** `https://app.example.com`, or `https://*.example.com` for any depth of subdomains, or `*`. */
export function originMatcher(patterns: readonly string[]): (origin: string) => string | null {
  const tests = patterns.map((pattern) => {
    const [scheme, base] = pattern.split("://*.");
    if (base === undefined) return (origin: string) => pattern === "*" || origin === pattern;
    const suffix = new RegExp(`^${literal(`${scheme}://`)}([a-z0-9-]+\\.)+${literal(base)}$`);
    return (origin: string) => suffix.test(origin);
  });
  return (origin) => (tests.some((test) => test(origin)) ? origin : null);
}

const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** Browsers on listed origins only. Runs before authentication: a preflight carries no token. */
export const crossOrigin = (
  patterns: readonly string[],
  credentials: boolean,
  tenantHeader: string,
) =>
  cors({
    origin: originMatcher(patterns),
    credentials,
    allowMethods: ["GET", "POST", "PATCH", "DELETE"],
    allowHeaders: [
      "authorization",
      "content-type",
      "account-id",
      "if-match",
      "idempotency-key",
      "x-request-id",
      tenantHeader.toLowerCase(),
    ],
    exposeHeaders: [
      "content-disposition",
      "etag",
      "location",
      "retry-after",
      "x-request-id",
      "www-authenticate",
      "idempotency-replayed",
    ],
    maxAge: 600,
  });
