import type { Audited } from "../db/audit-triggers.ts";
import { accountMembers, accounts } from "./accounts/accounts.table.ts";
import { tenantIdentity } from "./identity/identity.table.ts";
import { settings } from "./settings/settings.table.ts";
import { userIdentities, users } from "./users/users.table.ts";

/** Every table of a tenant whose rows people change. `npm run db:generate` turns it into triggers. */
export const audited: Audited[] = [
  { table: tenantIdentity },
  { table: users },
  { table: userIdentities },
  { table: accounts },
  { table: accountMembers },
  { table: settings },
];
