import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { permissions } from "../../core/permissions.ts";
import { text } from "../../core/text.ts";

export const ApiKeyParams = z.object({ id: idOf("key") });
export const ApiKeysQuery = pageQuery(["createdAt"]);
export type ApiKeysQuery = z.infer<typeof ApiKeysQuery>;

const weekMinutes = 10_080;
const scopes = z.array(z.enum(permissions)).max(permissions.length);

export const NewApiKey = z
  .strictObject({
    name: text(100).openapi({ example: "Nightly import" }),
    scopes: scopes
      .transform((given) => permissions.filter((permission) => given.includes(permission)))
      .openapi({
        type: "array",
        items: { type: "string", enum: [...permissions] },
        description: "What it may do, of what you may do. None: only what is open to every member.",
      }),
    accountId: idOf("account").optional().openapi({
      description:
        "The one account it works in. Without it: your account, or, if you rule the tenant, all of it.",
    }),
    expiresAt: z.iso
      .datetime({ offset: true })
      .transform((at) => Date.parse(at))
      .nullable()
      .optional()
      .openapi({
        type: ["string", "null"],
        format: "date-time",
        description: "90 days from now without it; null for never.",
      }),
  })
  .openapi("NewApiKey");
export type NewApiKey = z.infer<typeof NewApiKey>;

export const Rotation = z
  .strictObject({
    overlapMinutes: z
      .int()
      .min(0)
      .max(weekMinutes)
      .default(60)
      .openapi({ description: "How long the old key stays good beside the new one." }),
  })
  .openapi("ApiKeyRotation");
export type Rotation = z.infer<typeof Rotation>;

const at = z.iso.datetime();
export const ApiKey = z
  .object({
    id: z.string(),
    name: z.string(),
    hint: z.string().openapi({ description: "How the key begins: enough to know it by." }),
    scopes: z.array(z.enum(permissions)),
    ownerId: z
      .string()
      .openapi({ description: "The user it acts for: it may never do more than they may." }),
    accountId: z
      .string()
      .nullable()
      .openapi({ description: "The one account it works in; null for all its owner works in." }),
    replacedBy: z
      .string()
      .nullable()
      .openapi({ description: "The key that a rotation made of it." }),
    createdAt: at,
    expiresAt: at.nullable().openapi({ description: "Null where it ends by no date." }),
    lastUsedAt: at
      .nullable()
      .openapi({ description: "At most a minute late; null before its first use." }),
    lastUsedIp: z.string().nullable(),
    revokedAt: at.nullable(),
  })
  .openapi("ApiKey", {
    description:
      "Acts for its owner: it may do what its scopes name, as long as its owner may. It ends with them.",
  });
export type ApiKey = z.infer<typeof ApiKey>;

export const IssuedApiKey = ApiKey.extend({
  key: z.string().openapi({ description: "The key itself, shown this once." }),
}).openapi("IssuedApiKey");
export type IssuedApiKey = z.infer<typeof IssuedApiKey>;

export const ApiKeyPage = z.object({ data: z.array(ApiKey), meta: PageMeta }).openapi("ApiKeyPage");
