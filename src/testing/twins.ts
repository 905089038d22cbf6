import { newId } from "../core/id.ts";
import type { TenantRole } from "../core/roles.ts";
import { batch } from "../db/batch.ts";
import type { TenantDb } from "../db/connect.ts";
import { accountMembers, accounts } from "../tenant/accounts/accounts.table.ts";
import { apiKeys } from "../tenant/api-keys/api-keys.table.ts";
import { accessGrants } from "../tenant/grants/grants.table.ts";
import { invitations } from "../tenant/invitations/invitations.table.ts";
import { userSessions } from "../tenant/sessions/sessions.table.ts";
import { settings as tenantSettings } from "../tenant/settings/settings.table.ts";
import { userIdentities, userProfiles, users } from "../tenant/users/users.table.ts";
import type { Call } from "./client.ts";
import { newPerson, newTenant, settings, type TestTenant } from "./harness.ts";
import { placeRestoration } from "./placed-restoration.ts";

type Role = typeof accountMembers.$inferInsert.role;
type Seats = { tenantRole: TenantRole; accountRole?: Role };

/**
 * Two tenants whose rows have the same ids and addresses, and one person who is in both: whatever the
 * code confuses, it finds something. Each row's name tells whose it is.
 */
export async function newTwins(
  left: Seats = { tenantRole: "owner" },
  right: Seats = { tenantRole: "owner" },
) {
  const ids = {
    ada: newId("user"),
    dual: newId("user"),
    account: newId("account"),
    keys: two("key"),
    sessions: two("session"),
    invitations: two("invitation"),
    grants: two("grant"),
  };
  const dual = newPerson();
  const twins = await Promise.all([newTenant(), newTenant()] as const);

  const place = async ({ db, id, slug }: TestTenant, { tenantRole, accountRole }: Seats) => {
    const now = Date.now();
    const stamps = { createdAt: now, updatedAt: now };
    const { issuer } = settings.identityProvider;
    const member = { accountId: ids.account, createdAt: now };
    const row = { status: "active", ...stamps } as const;
    await batch(db, "write", [
      db.insert(accounts).values({ id: ids.account, name: `Account of ${slug}`, ...stamps }),
      db.insert(users).values([
        {
          id: ids.ada,
          email: "ada@twins.test",
          name: `Ada of ${slug}`,
          tenantRole: "member",
          ...row,
        },
        { id: ids.dual, email: dual.email, name: `Dual of ${slug}`, tenantRole, ...row },
      ]),
      db.insert(userIdentities).values({
        id: newId("identity"),
        issuer,
        subject: dual.subject,
        userId: ids.dual,
        email: `dual@${slug}.test`,
        createdAt: now,
      }),
      db
        .insert(accountMembers)
        .values([
          { ...member, userId: ids.ada, role: "VIEWER" },
          ...(accountRole ? [{ ...member, userId: ids.dual, role: accountRole }] : []),
        ]),
      ...belongings(db, slug, ids, now),
    ]);
    for (const _ of ["one", "two"]) await placeRestoration(id, slug);
  };
  await Promise.all([place(twins[0], left), place(twins[1], right)]);
  return { left: twins[0], right: twins[1], dual, ids };
}

const two = (kind: Parameters<typeof newId>[0]) => [newId(kind), newId(kind)] as const;
type Ids = Record<"keys" | "sessions" | "invitations" | "grants", readonly [string, string]> & {
  readonly dual: string;
};

/** Two of each of what people have, whose texts tell whose they are. */
function belongings(db: TenantDb, slug: string, ids: Ids, now: number) {
  const ownerId = ids.dual;
  const of = (id: string) => `${id} of ${slug}`;
  const times = { createdAt: now, expiresAt: now + 3_600_000 };
  return [
    db.insert(userProfiles).values({ userId: ownerId, bio: of("Bio"), updatedAt: now }),
    db.update(tenantSettings).set({ value: { contactEmail: `desk@${slug}.test` } }),
    db.insert(apiKeys).values(
      ids.keys.map((id) => {
        const row = { id, name: of("Key"), hint: id, hash: of(id), scopes: [], ownerId };
        return { ...row, ...times };
      }),
    ),
    db.insert(userSessions).values(
      ids.sessions.map((id) => {
        const seen = { firstSeenAt: now, lastSeenAt: now };
        return { id, userId: ownerId, sid: id, userAgent: of("Agent"), ...seen };
      }),
    ),
    db.insert(invitations).values(
      ids.invitations.map((id) => ({
        id,
        email: `${id}@twins.test`,
        name: of("Guest"),
        tenantRole: "member" as const,
        inviterId: ownerId,
        tokenHash: of(id),
        issuedAt: now,
        state: "pending" as const,
        updatedAt: now,
        ...times,
      })),
    ),
    db.insert(accessGrants).values(
      ids.grants.map((id) => {
        const who = { issuer: "https://platform.test", subject: id };
        return { id, ...who, reason: of("Ticket"), mode: "read" as const, ...times };
      }),
    ),
  ] as const;
}
export type Twins = Awaited<ReturnType<typeof newTwins>>;

export type Signals = {
  claim?: string | undefined;
  header?: string | undefined;
  host?: string | undefined;
};

/** A request of the person who is in both, that names a tenant by these means and no others. */
export async function ask<T = Record<string, unknown>>(
  { dual }: Twins,
  { claim, header, host }: Signals,
  path: string,
  call: Call = {},
) {
  const token = await dual.token({ [`${settings.CLAIM_NAMESPACE}tenant_id`]: claim });
  return await dual.call<T>(path, {
    ...call,
    headers: {
      authorization: `Bearer ${token}`,
      "x-tenant-id": header,
      host: host && `${host}.${settings.BASE_DOMAIN}`,
      ...call.headers,
    },
  });
}

/** A path of the document with the ids both twins have. */
export const pathIn = ({ ids }: Twins, path: string): string => {
  const named: Record<string, string> = {
    users: ids.dual,
    accounts: ids.account,
    members: ids.ada,
  };
  return path.replaceAll(
    /(\w+)\/\{\w+\}/g,
    (_, collection) => `${collection}/${named[collection]}`,
  );
};

/** What nobody may read who asked for another tenant. */
export const marksOf = ({ id, slug, accountId, owner }: TestTenant): string[] => [
  id,
  slug,
  accountId,
  owner.userId,
  owner.subject,
];
