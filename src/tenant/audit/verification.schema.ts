import { z } from "@hono/zod-openapi";
import { findings } from "./chain.ts";

export const VerificationQuery = z.object({
  from: z
    .string()
    .regex(/^\d{1,15}$/, "must be a whole number")
    .transform(Number)
    .default(0)
    .openapi({
      type: "integer",
      minimum: 0,
      default: 0,
      description: "`next` of an answer that was `incomplete`: goes on after this row.",
    }),
});

const AuditFlaw = z
  .object({ sequence: z.int(), id: z.string(), finding: z.enum(findings), detail: z.string() })
  .openapi("AuditFlaw", {
    description:
      "Where the seal is broken first. `changed`: the row is not what was sealed. `missing`: it is gone. `added`: it was " +
      "put where nothing was. `cut`: from here on the log or its seal is gone, or was replaced. `key_unknown`: the key " +
      "it was sealed with is no longer among those the deployment has, so nothing can be said.",
  });

export const AuditVerification = z
  .object({
    status: z.enum(["intact", "broken", "incomplete"]),
    verified: z.int().openapi({ description: "Rows this call has found as they were sealed." }),
    sealedTo: z.int().openapi({ description: "The last sealed row; 0 before the first." }),
    sealedAt: z.union([z.iso.datetime(), z.null()]).openapi({
      description: "When the log was last visited to be sealed; null before the first time.",
    }),
    rows: z.int().openapi({ description: "Rows in the log." }),
    unsealed: z.int().openapi({ description: "Rows that came later and wait to be sealed." }),
    next: z
      .union([z.int(), z.null()])
      .openapi({ description: "Send it as `from` to go on; null at the end." }),
    broken: z.union([AuditFlaw, z.null()]),
  })
  .openapi("AuditVerification", {
    description:
      "Rows are sealed every few minutes by a chain of keyed digests; `intact` covers those after `from`, up to the last sealed one.",
  });
export type AuditVerification = z.infer<typeof AuditVerification>;
