import { base64url, CompactEncrypt, compactDecrypt, decodeProtectedHeader } from "jose";
import { ApiError } from "../../core/error.ts";
import type { KeyRing } from "../../core/key-ring.ts";
import { Secret } from "../../core/secret.ts";

/** A token as the tenant's row keeps it. */
export async function keepToken(
  ring: KeyRing,
  tenantId: string,
  { token, expiresAt }: { readonly token: Secret; readonly expiresAt: number },
) {
  const sealedToken = await sealToken(ring, tenantId, token);
  return { sealedToken, sealedWith: kidOf(sealedToken), tokenExpiresAt: expiresAt };
}

/** The key it is sealed with, as it says itself. */
export const kidOf = (sealed: string): string => String(decodeProtectedHeader(sealed)["kid"]);

/**
 * A tenant's database token as a JWE (RFC 7516, `dir` with A256GCM). The header is authenticated and
 * names the tenant, so a token copied to another tenant's row does not open.
 */
export async function sealToken(ring: KeyRing, tenantId: string, token: Secret): Promise<string> {
  const [current] = ring;
  if (!current) throw new ApiError("config_invalid", "ENCRYPTION_KEY holds no key");
  return await new CompactEncrypt(new TextEncoder().encode(token.reveal()))
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: current.kid, tenant: tenantId })
    .encrypt(base64url.decode(current.key.reveal()));
}

export async function openToken(ring: KeyRing, tenantId: string, sealed: string): Promise<Secret> {
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(
      sealed,
      ({ kid }) => {
        const entry = ring.find((candidate) => candidate.kid === kid);
        if (!entry) throw new Error(`No key ${kid} in the ring`);
        return base64url.decode(entry.key.reveal());
      },
      { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] },
    );
    if (protectedHeader["tenant"] !== tenantId) throw new Error("Sealed for another tenant");
    return new Secret(new TextDecoder().decode(plaintext));
  } catch (cause) {
    throw new ApiError(
      "tenant_credentials_unreadable",
      "Quote the request id when you report this",
      {
        cause,
      },
    );
  }
}
