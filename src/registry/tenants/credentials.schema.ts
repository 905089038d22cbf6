import { z } from "@hono/zod-openapi";

const SealingKey = z
  .object({
    kid: z.string().nullable().openapi({
      description: "As in ENCRYPTION_KEY; null for tokens the clock has not come by yet.",
    }),
    inRing: z.boolean().openapi({ description: "False: these tokens cannot be opened any more." }),
    seals: z.boolean().openapi({ description: "The first of the ring: new tokens are its." }),
    tenants: z.int().openapi({ description: "At 0 the key may leave the ring." }),
  })
  .openapi("SealingKey");

export const CredentialsReport = z
  .object({
    keys: z.array(SealingKey),
    nextTokenExpiresAt: z.iso.datetime().nullable(),
  })
  .openapi("CredentialsReport", {
    description: "What seals the tokens of tenants' databases, and when the first of them expires.",
  });
export type CredentialsReport = z.infer<typeof CredentialsReport>;
