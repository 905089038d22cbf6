import { z } from "@hono/zod-openapi";
import { ApiError, invalidField } from "../core/error.ts";
import type { Accepted } from "../db/columns.ts";

const tag = z
  .string()
  .max(1000)
  .optional()
  .openapi({ description: "The ETag as last read; a change since then answers 412." });

export const IfMatch = z.object({ "if-match": tag });

/** Documented as required; whether it is there `requiredVersions` sees, which answers 428 and not 400. */
export const RequiredIfMatch = z.object({ "if-match": tag.openapi({ param: { required: true } }) });

/** Bound to the tenant: a tag of one tenant never matches a row of another. */
export const etagOf = (tenantId: string, version: number): string => `"${tenantId}.${version}"`;

/**
 * The versions an `If-Match` header accepts (RFC 9110): undefined without the header, `"any"` for
 * `*`. Weak tags and tags of other tenants match nothing.
 */
export function acceptedVersions(header: string | undefined, tenantId: string): Accepted {
  if (header === undefined) return undefined;
  if (header.trim() === "*") return "any";
  const tags = header.split(",").map((tag) => tag.trim());
  if (!tags.every((tag) => /^(W\/)?"[\x21\x23-\x7e]*"$/.test(tag)))
    throw invalidField("If-Match must be an entity tag as the ETag header gave it", {
      in: "header",
      path: "if-match",
      message: "is not an entity tag",
    });
  return tags
    .filter((tag) => tag.startsWith(`"${tenantId}.`))
    .map((tag) => tag.slice(tenantId.length + 2, -1))
    .filter((version) => /^(0|[1-9]\d{0,14})$/.test(version))
    .map(Number);
}

/** The same where a change must be conditional (RFC 6585): throws `precondition_required` without the header. */
export function requiredVersions(header: string | undefined, tenantId: string): Accepted {
  if (header === undefined)
    throw new ApiError("precondition_required", "Send If-Match with the ETag you last read, or *");
  return acceptedVersions(header, tenantId);
}
