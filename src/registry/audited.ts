import type { Audited } from "../db/audit-triggers.ts";
import { platformAdmins } from "./admins/admins.table.ts";
import { memberships } from "./memberships/memberships.table.ts";
import { migrationRuns, progress } from "./migrations/migrations.table.ts";
import { tenants } from "./tenants/tenants.table.ts";

/** What every sweep finds out anew about every tenant. */
const measured = ["healthStatus", "healthError", "healthCheckedAt", "latencyMs"];

/**
 * Every table of the registry whose rows people change. Operations are not among them: they are a
 * log themselves. `npm run db:generate` turns it into triggers.
 */
export const audited: Audited[] = [
  { table: tenants, redact: ["sealedToken"], quiet: ["migrationLeaseUntil", ...measured] },
  { table: memberships },
  { table: platformAdmins },
  { table: migrationRuns, quiet: [...progress] },
];
