import type { Secret } from "./secret.ts";

/** Keys of 32 bytes in base64url. The first one seals or signs, every one opens or verifies. */
export type KeyRing = readonly { readonly kid: string; readonly key: Secret }[];
