import { z } from "@hono/zod-openapi";

const prefixes = {
  tenant: "tnt",
  user: "usr",
  identity: "idn",
  session: "ses",
  account: "acc",
  invitation: "inv",
  key: "key",
  grant: "agr",
  operation: "opr",
  migration: "mig",
  finding: "fnd",
  backup: "bkp",
} as const;
export type Kind = keyof typeof prefixes;

/** UUID version 7 (RFC 9562): the first 48 bits are the time, so ids sort by age. */
export function uuidv7(at: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = BigInt(at);
  for (let i = 0; i < 6; i++) bytes[i] = Number((time >> BigInt(40 - 8 * i)) & 255n);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The underscore keeps an id from ever being a slug. */
export const newId = (kind: Kind, at?: number): string => `${prefixes[kind]}_${uuidv7(at)}`;

const shapes = Object.fromEntries(
  Object.entries(prefixes).map(([kind, prefix]) => [
    kind,
    new RegExp(`^${prefix}_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`),
  ]),
) as Record<Kind, RegExp>;

/** An id on the wire. */
export const idOf = (kind: Kind) =>
  z
    .string()
    .regex(shapes[kind], `is not the id of ${/^[aeio]/.test(kind) ? "an" : "a"} ${kind}`)
    .openapi({ example: `${prefixes[kind]}_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d` });

export const isId = (kind: Kind, text: string): boolean => shapes[kind].test(text);
