import { cliSecret } from "./identity-keys.ts";
import { personGrant } from "./person-grant.ts";
import { refusal } from "./refusal.ts";

type Request = {
  person: string;
  /** An id or a slug: becomes the namespaced `tenant_id` claim. */
  tenant?: string | undefined;
  /** Seconds; zero or less gives a token that has expired. */
  ttl?: number | undefined;
  /** Added to the token, or put in place of what it would hold; null takes a claim away. */
  claims?: Record<string, unknown> | undefined;
};

/** An access token for a person, from the local identity provider's token endpoint. */
export async function requestToken(
  stack: { issuer: string; dataDir: string },
  { person, tenant, ttl, claims }: Request,
): Promise<string> {
  const body = new URLSearchParams({ grant_type: personGrant, person });
  if (tenant !== undefined) body.set("tenant", tenant);
  if (ttl !== undefined) body.set("ttl", String(ttl));
  if (claims !== undefined) body.set("claims", JSON.stringify(claims));
  const credentials = Buffer.from(`tenantry-cli:${cliSecret(stack.dataDir)}`).toString("base64");
  const response = await fetch(`${stack.issuer}/token`, {
    method: "POST",
    headers: { authorization: `Basic ${credentials}` },
    body,
    signal: AbortSignal.timeout(10_000),
  }).catch(() => {
    throw refusal(
      `No identity provider answers at ${stack.issuer}: start the stack with npm run dev.`,
    );
  });
  const answer = (await response.json()) as { access_token?: string; error_description?: string };
  if (answer.access_token) return answer.access_token;
  throw refusal(
    `The identity provider gave no token: ${answer.error_description ?? response.status}`,
  );
}
