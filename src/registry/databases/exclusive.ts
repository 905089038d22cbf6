import { type SQL, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { provided, type Write } from "../../db/write.ts";
import { type OperationKind, operations } from "../operations/operations.table.ts";
import { tenants } from "../tenants/tenants.table.ts";

/** What puts another database in the place of a tenant's. */
export const swapping: readonly OperationKind[] = ["restore", "rewind", "revert", "move"];

export const isUnderWay = (tenantId: string | SQL, kinds: readonly OperationKind[]): SQL =>
  sql`exists (select 1 from ${operations} under_way where under_way.tenant_id = ${tenantId}
    and under_way.status in ('pending', 'running') and under_way.kind in ${kinds})`;

/** Whoever is suspended or being deleted stays where they are: their stamp and their block would not come along. */
export const up = (tenantId: string): Write =>
  provided(
    sql`exists (select 1 from ${tenants} where id = ${tenantId} and status = 'active')`,
    () => new ApiError("conflict", "The tenant is suspended or being deleted: end that first"),
  );

/** One at a time: two would each put the other's database away. */
export const alone = (tenantId: string): Write =>
  provided(
    sql`not ${isUnderWay(tenantId, swapping)}`,
    () => new ApiError("conflict", "The tenant is being moved or restored already: wait for it"),
  );
