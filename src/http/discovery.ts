import { z } from "zod";
import { type Remembered, rememberDocument } from "./remembered.ts";

const softMs = 3_600_000;
const endpoint = z.url({ protocol: /^https?$/ });

const metadataOf = (issuer: string) =>
  z.object({
    issuer: z.literal(issuer),
    authorization_endpoint: endpoint,
    token_endpoint: endpoint,
    userinfo_endpoint: endpoint.optional(),
    end_session_endpoint: endpoint.optional(),
    jwks_uri: endpoint,
  });
export type ProviderMetadata = z.infer<ReturnType<typeof metadataOf>>;

/** What the provider says of itself (OpenID Connect Discovery 1.0), remembered for an hour. */
export function createDiscovery(
  issuer: string,
  timeoutMs: number,
  get: typeof fetch,
): Remembered<ProviderMetadata> {
  const schema = metadataOf(issuer);
  return rememberDocument({
    title: "metadata",
    url: `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`,
    softMs,
    timeoutMs,
    get,
    // Somebody else's metadata would send people, and their codes, elsewhere.
    read: (text) => schema.parse(JSON.parse(text)),
  });
}
