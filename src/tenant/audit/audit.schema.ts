import { z } from "@hono/zod-openapi";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { text } from "../../core/text.ts";
import { actorTypes, auditActions } from "../../db/audit.columns.ts";

const instant = z.iso
  .datetime({ offset: true })
  .transform((at) => Date.parse(at))
  .openapi({ type: "string", format: "date-time" });
const name = text(200);

export const AuditFilter = z.object({
  entity: name.optional().openapi({ description: "The table, such as `users`." }),
  entityId: name.optional().openapi({ description: "The row's id." }),
  actorId: name.optional().openapi({
    description:
      "Who did it: the id of a user or of an API key, or `issuer|subject` of a platform admin.",
  }),
  action: z.enum(auditActions).optional(),
  requestId: name.optional(),
  from: instant.optional().openapi({ description: "At this moment or later." }),
  to: instant.optional().openapi({ description: "Before this moment." }),
});
export type AuditFilter = z.infer<typeof AuditFilter>;

export const AuditQuery = pageQuery(["at"]).extend(AuditFilter.shape);
export type AuditQuery = z.infer<typeof AuditQuery>;

export const AuditLog = z
  .object({
    id: z.string(),
    at: z.iso.datetime(),
    actorType: z.enum(actorTypes),
    actorId: z.string().openapi({
      description: "A user, an API key, or `issuer|subject` of a platform admin.",
    }),
    accountId: z.string().nullable().openapi({ description: "The account they worked in." }),
    entity: z.string(),
    entityId: z.string(),
    action: z.enum(auditActions),
    changes: z.record(z.string(), z.object({ old: z.unknown(), new: z.unknown() })),
    transactionId: z
      .string()
      .nullable()
      .openapi({ description: "The same in all rows of one request." }),
    requestId: z.string().nullable().openapi({ description: "`X-Request-Id` of that request." }),
    reason: z.string().nullable(),
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
  })
  .openapi("AuditLog", {
    description:
      "One change of one row: who, when, from where, and each column before and after. `DENY` is a request that was " +
      "refused and `READ` one by a platform admin under a grant: `entityId` is then the request, `reason` the why.",
  });
export type AuditLog = z.infer<typeof AuditLog>;

export const AuditPage = z.object({ data: z.array(AuditLog), meta: PageMeta }).openapi("AuditPage");
