import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";

export const LinkedIdentity = z
  .object({
    id: z.string(),
    issuer: z.string(),
    subject: z.string(),
    email: z.string().nullable(),
    current: z.boolean().openapi({ description: "Whether this very request came with it." }),
    createdAt: z.iso.datetime(),
  })
  .openapi("LinkedIdentity", {
    description: "An identity at the provider that signs in as the user.",
  });
export type LinkedIdentity = z.infer<typeof LinkedIdentity>;

export const LinkedIdentityList = z
  .object({ data: z.array(LinkedIdentity) })
  .openapi("LinkedIdentityList");

export const NewLink = z
  .strictObject({
    token: z.string().min(1).max(8192).openapi({
      format: "credential",
      description: "An access token of the other identity, to prove that it is yours.",
    }),
    merge: z.boolean().default(false).openapi({
      description:
        "Also make both one account at the provider, whose sign-ins then come as your first identity.",
    }),
  })
  .openapi("NewLinkedIdentity");
export type NewLink = z.infer<typeof NewLink>;

export const MyIdentityParams = z.object({ identityId: idOf("identity") });
export const IdentityParams = z.object({ id: idOf("user"), identityId: idOf("identity") });
