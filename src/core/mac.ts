import type { KeyRing } from "./key-ring.ts";

const encoder = new TextEncoder();

export const toBase64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** Undefined for what is not base64url. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  if (!/^[\w-]*$/.test(text)) return undefined;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** SHA-256 in lower-case hexadecimal digits. */
export async function sha256(text: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export type Signer = {
  readonly kid: string;
  /** HMAC-SHA-256 over the text: 32 bytes. */
  sign(text: string): Promise<Uint8Array>;
};

/**
 * A signer for each key of the ring, the current one first. `purpose` is signed along, so that what is
 * signed for one is worth nothing for another.
 */
async function signersOf(ring: KeyRing, purpose: string): Promise<Signer[]> {
  return await Promise.all(
    ring.map(async ({ kid, key }) => {
      const raw = fromBase64Url(key.reveal().replace(/=$/, "")) as Uint8Array<ArrayBuffer>;
      const algorithm = { name: "HMAC", hash: "SHA-256" };
      const imported = await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign"]);
      return {
        kid,
        sign: async (text: string) =>
          new Uint8Array(
            await crypto.subtle.sign("HMAC", imported, encoder.encode(`${purpose}\n${text}`)),
          ),
      };
    }),
  );
}

/** Takes equally long wherever the two differ. */
export function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (const [i, byte] of left.entries()) difference |= byte ^ (right[i] ?? 0);
  return difference === 0;
}

/** The signers of each purpose, made once: keys may be shared by requests, promises may not. */
export function createSigners(ring: KeyRing): (purpose: string) => Promise<readonly Signer[]> {
  const made = new Map<string, readonly Signer[]>();
  return async (purpose) => {
    const signers = made.get(purpose) ?? (await signersOf(ring, purpose));
    made.set(purpose, signers);
    return signers;
  };
}
