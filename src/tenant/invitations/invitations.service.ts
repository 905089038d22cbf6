import { and, count, eq, sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { iso, isoOrNull } from "../../db/columns.ts";
import { pageOf } from "../../db/page.ts";
import { read } from "../read.ts";
import { asking } from "../rights.ts";
import type { TenantScope } from "../scope.ts";
import { within } from "./invitations.rules.ts";
import type { Invitation, InvitationsQuery } from "./invitations.schema.ts";
import { invitations } from "./invitations.table.ts";

/** What it is now: nobody writes down that time has passed. */
const stateAt = (now: number) =>
  sql<
    Invitation["state"]
  >`iif(${invitations.state} = 'pending' and ${invitations.expiresAt} <= ${now}, 'expired', ${invitations.state})`;

const shown = (now: number) => ({
  id: invitations.id,
  email: invitations.email,
  name: invitations.name,
  tenantRole: invitations.tenantRole,
  accountId: invitations.accountId,
  role: invitations.accountRole,
  userId: invitations.userId,
  inviterId: invitations.inviterId,
  state: stateAt(now),
  expiresAt: invitations.expiresAt,
  sentAt: invitations.sentAt,
  acceptedAt: invitations.acceptedAt,
  createdAt: invitations.createdAt,
});

export async function listInvitations(scope: TenantScope, query: InvitationsQuery) {
  const { tenant, request } = scope;
  const { now } = request;
  const page = pageOf(query, {
    list: `invitations of ${tenant.id}`,
    columns: { createdAt: invitations.createdAt },
    id: invitations.id,
  });
  const [rows, [counted]] = await read(scope, (asked) => {
    const inState = query.state && sql`${stateAt(now)} = ${query.state}`;
    const filter = and(within(asking(asked)), inState);
    return [
      asked.db
        .select(shown(now))
        .from(invitations)
        .where(and(filter, page.after))
        .orderBy(...page.orderBy)
        .limit(page.limit)
        .offset(page.offset),
      asked.db.select({ total: count() }).from(invitations).where(filter),
    ];
  });
  return page.result(rows, counted?.total ?? 0, (row) => [row.createdAt, row.id], toInvitation);
}

export async function getInvitation(scope: TenantScope, id: string): Promise<Invitation> {
  const [[row]] = await read(scope, (asked) => [
    asked.db
      .select(shown(asked.request.now))
      .from(invitations)
      .where(and(eq(invitations.id, id), within(asking(asked)))),
  ]);
  return toInvitation(row);
}

/** In any batch: what `toInvitation` makes an `Invitation` of. */
export const invitationQuery = ({ db, request }: TenantScope, id: string) =>
  db.select(shown(request.now)).from(invitations).where(eq(invitations.id, id));

type Row = Awaited<ReturnType<typeof invitationQuery>>[number];

export function toInvitation(row: Row | undefined): Invitation {
  if (!row) throw noSuchInvitation();
  const { expiresAt, sentAt, acceptedAt, createdAt } = row;
  return {
    ...row,
    expiresAt: iso(expiresAt),
    sentAt: isoOrNull(sentAt),
    acceptedAt: isoOrNull(acceptedAt),
    createdAt: iso(createdAt),
  };
}

export const noSuchInvitation = () => new ApiError("not_found", "No such invitation");
