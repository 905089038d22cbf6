import { importJWK, type JWTPayload, SignJWT } from "jose";
import { signingKey } from "../../scripts/stack/identity-keys.ts";
import type { Stack } from "./stack.ts";

/** Claims by which the tests' people differ; anything may be replaced, `undefined` takes a claim away. */
export type Claims = JWTPayload & Record<string, unknown>;

/** An access token as the running provider signs it. */
export async function signToken(
  { dataDir, settings }: Stack,
  claims: Claims,
  header: Record<string, unknown> = {},
): Promise<string> {
  const key = await signingKey(dataDir);
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: settings["IDP_ISSUER"],
    aud: settings["IDP_AUDIENCE"],
    iat: now,
    exp: now + 3600,
    ...claims,
  } as JWTPayload;
  return await new SignJWT(payload)
    .setProtectedHeader({ alg: "RS256", typ: "at+jwt", kid: String(key.kid), ...header })
    .sign(await importJWK(key, "RS256"));
}
