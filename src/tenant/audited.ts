import type { Audited } from "../db/audit-triggers.ts";
import { accountMembers, accounts } from "./accounts/accounts.table.ts";
import { apiKeys } from "./api-keys/api-keys.table.ts";
import { accessGrants } from "./grants/grants.table.ts";
import { tenantIdentity } from "./identity/identity.table.ts";
import { invitations } from "./invitations/invitations.table.ts";
import { userSessions } from "./sessions/sessions.table.ts";
import { settings } from "./settings/settings.table.ts";
import { userIdentities, userProfiles, users } from "./users/users.table.ts";

/** Every table of a tenant whose rows people change. `npm run db:generate` turns it into triggers. */
export const audited: Audited[] = [
  { table: tenantIdentity },
  { table: users },
  { table: userIdentities },
  { table: userProfiles },
  { table: userSessions, quiet: ["lastSeenAt", "ip", "userAgent"] },
  { table: accounts },
  { table: accountMembers },
  { table: apiKeys, redact: ["hash"], quiet: ["lastUsedAt", "lastUsedIp"] },
  { table: invitations, redact: ["tokenHash"] },
  { table: accessGrants },
  { table: settings },
];
