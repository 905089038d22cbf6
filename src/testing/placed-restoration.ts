import { newId } from "../core/id.ts";
import { batch } from "../db/batch.ts";
import { backups } from "../registry/backups/backups.table.ts";
import { operations } from "../registry/operations/operations.table.ts";
import { registry } from "./harness.ts";

/** A backup and a restoration that failed, by the back door: to be looked at, not to be used. */
export async function placeRestoration(tenantId: string, mark = "By hand"): Promise<void> {
  const [backupId, backup, restoration] = [newId("backup"), newId("operation"), newId("operation")];
  const now = Date.now();
  const stamps = { createdAt: now, updatedAt: now };
  await batch(registry, "write", [
    registry.insert(backups).values({
      id: backupId,
      tenantId,
      operationId: backup,
      kind: "scheduled",
      status: "ready",
      prefix: `tenants/${tenantId}/${backupId}/`,
      checksum: mark,
      headSequence: 0,
      headLinks: 0,
      headMac: "",
      expiresAt: now + 86_400_000,
      ...stamps,
    }),
    registry.insert(operations).values({
      id: restoration,
      kind: "restore",
      tenantId,
      issuer: "test",
      subject: "test",
      status: "failed",
      input: { backupId },
      error: mark,
      ...stamps,
    }),
  ] as const);
}
