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

/** The current key first, then those that only verify. */
export type SignerRing = readonly [Signer, ...Signer[]];

export type Signer = {
  readonly kid: string;
  /** HMAC-SHA-256 over the text: 32 bytes. */
  sign(text: string): Promise<Uint8Array>;
};

/**
 * A signer for each key of the ring, the current one first. `purpose` is signed along, so that what is
 * signed for one is worth nothing for another. Made once: keys may be shared by requests, promises may not.
 */
export function createSigners(ring: KeyRing): (purpose: string) => Promise<SignerRing> {
  const made = new Map<string, SignerRing>();
  return async (purpose) => {
    const known = made.get(purpose);
    if (known) return known;
    const [current, ...older] = await Promise.all(ring.map((entry) => signerOf(entry, purpose)));
    if (!current) throw new Error("A key ring holds a key at least");
    const signers: SignerRing = [current, ...older];
    made.set(purpose, signers);
    return signers;
  };
}

async function signerOf({ kid, key }: KeyRing[number], purpose: string): Promise<Signer> {
  const raw = fromBase64Url(key.reveal().replace(/=$/, "")) as Uint8Array<ArrayBuffer>;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign"]);
  const sign = (text: string) =>
    crypto.subtle.sign("HMAC", imported, encoder.encode(`${purpose}\n${text}`));
  return { kid, sign: async (text) => new Uint8Array(await sign(text)) };
}

/** Takes equally long wherever the two differ. */
export function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (const [i, byte] of left.entries()) difference |= byte ^ (right[i] ?? 0);
  return difference === 0;
}
