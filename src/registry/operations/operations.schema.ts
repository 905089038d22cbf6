import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { operationStatuses, stepStatuses } from "./operations.table.ts";

export const OperationParams = z.object({ id: idOf("operation") });

const at = z.iso.datetime();
const OperationStep = z
  .object({
    name: z.string(),
    status: z.enum(stepStatuses),
    attempts: z.int(),
    error: z.string().nullable(),
    finishedAt: at.nullable(),
  })
  .openapi("OperationStep");

export const Operation = z
  .object({
    id: z.string(),
    kind: z.enum(["provision"]),
    tenantId: z.string(),
    status: z.enum(operationStatuses),
    attempts: z.int(),
    error: z.string().nullable(),
    steps: z.array(OperationStep),
    createdAt: at,
    updatedAt: at,
    finishedAt: at.nullable(),
  })
  .openapi("Operation", {
    description:
      "A long job: done when `succeeded`; while `pending`, repeating the request that began it drives it on.",
  });
export type Operation = z.infer<typeof Operation>;
