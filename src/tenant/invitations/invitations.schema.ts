import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { accountRoles, tenantRoles } from "../../core/roles.ts";
import { email, text } from "../../core/text.ts";
import { invitationStates } from "./invitations.table.ts";

export const InvitationParams = z.object({ id: idOf("invitation") });
export const InvitationsQuery = pageQuery(["createdAt"]).extend({
  state: z.enum(invitationStates).optional(),
});
export type InvitationsQuery = z.infer<typeof InvitationsQuery>;

export const NewInvitation = z
  .strictObject({
    email,
    name: text(200).optional().openapi({ example: "Ada Lovelace" }),
    tenantRole: z.enum(tenantRoles).default("member"),
    accountId: idOf("account").optional(),
    role: z.enum(accountRoles).default("VIEWER"),
  })
  .openapi("NewInvitation", {
    description:
      "To the tenant, and to an account of it: the one named, else the caller's, else the tenant's first.",
  });
export type NewInvitation = z.infer<typeof NewInvitation>;

const at = z.iso.datetime();
export const Invitation = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string().nullable(),
    tenantRole: z.enum(tenantRoles),
    accountId: z.string().nullable().openapi({
      description:
        "The account it is to; null where the user made for it has their accounts already.",
    }),
    role: z.enum(accountRoles).nullable().openapi({ description: "The role in that account." }),
    userId: z.string().nullable().openapi({
      description: "The user who waits for it; null where accepting it makes one.",
    }),
    inviterId: z.string().nullable().openapi({
      description: "The user who answers for it; null where the platform does.",
    }),
    state: z.enum(invitationStates),
    expiresAt: at,
    sentAt: at.nullable(),
    acceptedAt: at.nullable(),
    createdAt: at,
  })
  .openapi("Invitation", {
    description:
      "Worth no more than its inviter may still grant when it is accepted. `sentAt` is null until the mail is handed over: resend it if it stays so.",
  });
export type Invitation = z.infer<typeof Invitation>;

export const InvitationPage = z
  .object({ data: z.array(Invitation), meta: PageMeta })
  .openapi("InvitationPage");

export const Acceptance = z
  .strictObject({
    token: z
      .string()
      .min(1)
      .max(200)
      .openapi({ format: "credential", description: "What the link in the mail holds." }),
  })
  .openapi("InvitationAcceptance");

export const AcceptedInvitation = z
  .object({
    tenant: z.object({ id: z.string(), slug: z.string(), name: z.string() }),
    userId: z.string(),
    tenantRole: z.enum(tenantRoles),
    accountId: z.string().nullable(),
    role: z.enum(accountRoles).nullable(),
  })
  .openapi("AcceptedInvitation", {
    description: "What you are in the tenant from now on, and the account you were invited to.",
  });
export type AcceptedInvitation = z.infer<typeof AcceptedInvitation>;
