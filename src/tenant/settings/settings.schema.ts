import { z } from "@hono/zod-openapi";
import { domainName, email, imageUrl, locale, timeZone } from "../../core/text.ts";

/** What a tenant may set; `null` in a patch goes back to what holds without it. */
const fields = {
  locale,
  timeZone,
  contactEmail: email,
  logoUrl: imageUrl,
  primaryColor: z
    .string()
    .regex(/^#[0-9a-f]{6}$/, "must be a colour such as #0a7d4f")
    .openapi({ example: "#0a7d4f" }),
  invitationDays: z
    .int()
    .min(1)
    .max(30)
    .openapi({ description: "How long an invitation is good; 7 unless set." }),
  emailDomains: z
    .array(domainName)
    .max(50)
    .openapi({ description: "Only addresses at these domains are invited; any while empty." }),
};

export const Settings = z.strictObject(fields).partial().openapi("Settings", {
  description: "What the tenant decides for itself. What is absent is not set.",
});

const patchable = Object.fromEntries(
  Object.entries(fields).map(([name, schema]) => [name, z.union([schema, z.null()])]),
) as { [K in keyof typeof fields]: z.ZodUnion<[(typeof fields)[K], z.ZodNull]> };

export const SettingsPatch = z
  .strictObject(patchable)
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, "changes nothing")
  .openapi("SettingsPatch", {
    description: "A merge patch (RFC 7396) of `settings`: what is absent stays, null unsets.",
    minProperties: 1,
  });
export type SettingsPatch = z.infer<typeof SettingsPatch>;

export const TenantSettings = z
  .object({ settings: Settings, version: z.int(), updatedAt: z.iso.datetime() })
  .openapi("TenantSettings");
export type TenantSettings = z.infer<typeof TenantSettings>;
