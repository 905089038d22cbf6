import { z } from "@hono/zod-openapi";
import { locale, text, timeZone } from "../../core/text.ts";

const fields = {
  jobTitle: text(100).nullable(),
  department: text(100).nullable(),
  phone: z
    .string()
    .regex(/^\+[1-9]\d{6,14}$/, "must be a number as E.164 writes it")
    .nullable()
    .openapi({ example: "+4930123456" }),
  bio: text(1000).nullable(),
  locale: locale.nullable(),
  timeZone: timeZone.nullable(),
};

export const Profile = z
  .object({ userId: z.string(), ...fields, version: z.int() })
  .openapi("Profile", {
    description: "What people say of themselves. Version 0 is one nobody has written yet.",
  });
export type Profile = z.infer<typeof Profile>;

export const ProfilePatch = z
  .strictObject(fields)
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, "changes nothing")
  .openapi("ProfilePatch", {
    description: "A merge patch (RFC 7396): what is absent stays, null clears.",
    minProperties: 1,
  });
export type ProfilePatch = z.infer<typeof ProfilePatch>;
