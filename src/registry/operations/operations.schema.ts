import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";
import { operationKinds, operationStatuses, stepStatuses } from "./operations.table.ts";

export const OperationParams = z.object({ id: idOf("operation") });

const at = z.iso.datetime();
const OperationStep = z
  .object({
    name: z.string(),
    undoes: z.boolean().openapi({ description: "Undoes what was done, as it was given up." }),
    status: z.enum(stepStatuses),
    attempts: z.int(),
    progress: z.string().nullable(),
    error: z.string().nullable(),
    finishedAt: at.nullable(),
  })
  .openapi("OperationStep");

export const Operation = z
  .object({
    id: z.string(),
    kind: z.enum(operationKinds),
    tenantId: z.string(),
    status: z.enum(operationStatuses),
    undoing: z.boolean().openapi({ description: "It was given up, and is being undone." }),
    attempts: z.int(),
    error: z.string().nullable(),
    nextAttemptAt: at
      .nullable()
      .openapi({ description: "After a failure: when it is taken up again by itself." }),
    output: z
      .record(z.string(), z.unknown())
      .openapi({ description: "What its steps found out, by kind of operation." }),
    steps: z.array(OperationStep),
    createdAt: at,
    updatedAt: at,
    finishedAt: at.nullable(),
  })
  .openapi("Operation", {
    description:
      "A long job. It goes on by itself until it has `succeeded`, or `failed` with all it did undone.",
  });
export type Operation = z.infer<typeof Operation>;

export const OperationsQuery = pageQuery(["createdAt"]).extend({
  status: z.enum(operationStatuses).optional(),
  kind: z.enum(operationKinds).optional(),
  tenantId: idOf("tenant").optional(),
});
export type OperationsQuery = z.infer<typeof OperationsQuery>;

export const OperationPage = z
  .object({ data: z.array(Operation), meta: PageMeta })
  .openapi("OperationPage");
