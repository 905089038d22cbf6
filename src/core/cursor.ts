import { invalidField } from "./error.ts";

/**
 * Where a page ended: the value sorted by and the id that breaks ties.
 * `list` names the tenant, resource and order it belongs to: it opens nothing elsewhere.
 */
export type Cursor = {
  readonly list: string;
  readonly page: number;
  readonly value: string | number | null;
  readonly id: string | number;
};

export function encodeCursor({ list, page, value, id }: Cursor): string {
  const bytes = new TextEncoder().encode(JSON.stringify([list, page, value, id]));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Throws `invalid_request` for what is not a cursor, and for one of another list. */
export function decodeCursor(text: string, list: string): Cursor {
  const parts = parse(text);
  if (!parts || parts[0] !== list)
    throw invalidField("The cursor does not belong to this list", {
      in: "query",
      path: "cursor",
      message: "does not belong to this list",
    });
  const [, page, value, id] = parts;
  return { list, page, value, id };
}

type Parts = [string, number, Cursor["value"], Cursor["id"]];

function parse(text: string): Parts | undefined {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
    const parts: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    );
    return isParts(parts) ? parts : undefined;
  } catch {
    return undefined;
  }
}

/** What SQL and the wire can carry. */
const isScalar = (value: unknown) =>
  typeof value === "string"
    ? value.isWellFormed() && !value.includes("\0")
    : Number.isSafeInteger(value);

const isPage = (page: unknown) => Number.isInteger(page) && Number(page) >= 1 && Number(page) < 1e9;

const isParts = (parts: unknown): parts is Parts =>
  Array.isArray(parts) &&
  parts.length === 4 &&
  typeof parts[0] === "string" &&
  isPage(parts[1]) &&
  (parts[2] === null || isScalar(parts[2])) &&
  isScalar(parts[3]);
