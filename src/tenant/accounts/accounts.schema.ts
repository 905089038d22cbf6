import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { jsonObject } from "../../core/json.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { domainName, flag, text } from "../../core/text.ts";

const at = z.iso.datetime();
const name = text(200).openapi({ example: "Research" });
const description = text(1000).nullable();
const domain = domainName.nullable();

export const AccountParams = z.object({ id: idOf("account") });

export const AccountsQuery = pageQuery(["createdAt", "name"]).extend({
  search: text(100).optional().openapi({ description: "Part of a name." }),
  active: flag.optional(),
});
export type AccountsQuery = z.infer<typeof AccountsQuery>;

export const NewAccount = z
  .strictObject({
    name,
    description: description.default(null),
    domain: domain.default(null),
    settings: jsonObject().default({}),
  })
  .openapi("NewAccount");
export type NewAccount = z.infer<typeof NewAccount>;

export const AccountPatch = z
  .strictObject({
    name: name.optional(),
    description: description.optional(),
    domain: domain.optional(),
    settings: jsonObject().optional(),
    active: z.boolean().optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, "changes nothing")
  .openapi("AccountPatch", {
    description:
      "A merge patch (RFC 7396): what is absent stays, null clears, also inside `settings`. " +
      "With `settings` the request must send If-Match.",
    minProperties: 1,
  });
export type AccountPatch = z.infer<typeof AccountPatch>;

export const Account = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    domain: z.string().nullable(),
    settings: jsonObject(),
    active: z.boolean().openapi({ description: "False while its members are kept out." }),
    version: z.int(),
    createdAt: at,
    updatedAt: at,
    createdBy: z.string().nullable().openapi({
      description: "As the audit log names who did it; null for the system itself.",
    }),
    updatedBy: z.string().nullable(),
  })
  .openapi("Account");
export type Account = z.infer<typeof Account>;

export const AccountPage = z
  .object({ data: z.array(Account), meta: PageMeta })
  .openapi("AccountPage");
