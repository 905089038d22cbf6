import { z } from "@hono/zod-openapi";

/** Control characters, and what turns or hides the text around it; joiners are letters' business. */
export const unprintable = /[\p{Cc}\u200b\u202a-\u202e\u2060-\u2069\ufeff]/gu;
export const isClean = (value: string): boolean =>
  value.isWellFormed() && value.search(unprintable) < 0;

/**
 * One line a person typed: well-formed Unicode, no control characters, trimmed, each letter in its one
 * form (NFC). NUL breaks SQLite, lone surrogates the wire, line breaks the headers of a mail.
 */
export const text = (max: number, min = 1) =>
  z.string().normalize().trim().min(min).max(max).refine(isClean, "holds control characters");

/** At most `max` UTF-16 units, and never half a character. */
export const clip = (value: string, max: number): string =>
  value.slice(0, max).replace(/[\ud800-\udbff]$/, "");

/** Compared and stored in lower case; 254 is the longest address SMTP carries (RFC 5321). */
export const email = z
  .string()
  .trim()
  .pipe(z.email().max(254).toLowerCase())
  .openapi({ type: "string", format: "email", maxLength: 254, example: "ada@acme.test" });

/** A host name of two labels or more, in lower case. */
export const domainName = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(
    /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/,
    "is not a domain name",
  )
  .openapi({ example: "acme.test" });

/** An image a browser may load: https only, so that no `javascript:` or plain-text address is ever stored. */
export const imageUrl = z
  .url({ protocol: /^https$/ })
  .max(500)
  .refine(isClean, "holds control characters");

/** Yes or no in a query: two words, documented as the boolean they mean. */
export const flag = z
  .enum(["true", "false"])
  .transform((word) => word === "true")
  .openapi({ type: "boolean", enum: undefined as never });

/** A decimal number in a query: no hex, exponent, sign or spaces, unlike `z.coerce.number()`. */
export const decimal = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(min).max(max));

/** A language tag (BCP 47): language, and script and region if they matter. */
export const locale = z
  .string()
  .regex(/^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?$/, "is not a language tag")
  .openapi({ example: "de-CH" });

/** A name out of the IANA time zone database. */
export const timeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, "is not a time zone")
  .openapi({ example: "Europe/Zurich" });

function isTimeZone(name: string): boolean {
  if (!/^[A-Z][A-Za-z_]+(\/[\w+-]+){0,2}$/.test(name)) return false;
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

/** Text as it may stand in HTML, between tags and in attributes. */
export const asHtml = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
