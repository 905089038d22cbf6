import { and, count, eq } from "drizzle-orm";
import type { Identity } from "../../core/request.ts";
import { batch } from "../../db/batch.ts";
import type { RegistryScope } from "../scope.ts";
import { platformAdmins } from "./admins.table.ts";

/** Needs both: the claim the provider signed, exactly `true`, and an active row in the registry. */
export async function isPlatformAdmin({ db }: RegistryScope, caller: Identity): Promise<boolean> {
  if (!caller.platformClaim) return false;
  const [[active]] = await batch(db, "read", [
    db
      .select({ rows: count() })
      .from(platformAdmins)
      .where(
        and(
          eq(platformAdmins.issuer, caller.issuer),
          eq(platformAdmins.subject, caller.subject),
          eq(platformAdmins.active, true),
        ),
      ),
  ] as const);
  return (active?.rows ?? 0) > 0;
}
