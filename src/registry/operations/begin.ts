import { sql } from "drizzle-orm";
import type { RegistryDb } from "../../db/connect.ts";
import { type Write, write } from "../../db/write.ts";
import type { Kind } from "./kind.ts";
import { type OperationKind, operationSteps, operations } from "./operations.table.ts";

export type NewOperation = {
  readonly id: string;
  readonly kind: OperationKind;
  readonly tenantId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly input: Record<string, unknown>;
  readonly now: number;
};

/** Asks for an operation, in the batch that decides that it may be asked for. Any driver takes it up. */
export function operationWrites(
  db: RegistryDb,
  { now, ...asked }: NewOperation,
  kind: Pick<Kind, "steps">,
): Write[] {
  const steps = Object.keys(kind.steps).map((name, position) => ({
    operationId: asked.id,
    position,
    name,
    status: "pending" as const,
  }));
  return [
    write(
      db.insert(operations).values({ ...asked, status: "pending", createdAt: now, updatedAt: now }),
    ),
    write(db.insert(operationSteps).values(steps)),
  ];
}

/** The steps that undo it, behind those that were to do it. */
export function undoWrites(db: RegistryDb, operationId: string, { undo = {} }: Kind): Write[] {
  const position = sql<number>`(select max(position) + 1 from operation_steps where operation_id = ${operationId})`;
  return Object.keys(undo).map((name) =>
    write(
      db
        .insert(operationSteps)
        .values({ operationId, position, name, undoes: true, status: "pending" }),
    ),
  );
}
