import { and, asc, eq, gt, inArray, or, sql } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { write } from "../../db/write.ts";
import { userIdentities, users } from "../../tenant/users/users.table.ts";
import type { Step } from "../operations/kind.ts";
import { openOf } from "../tenants/locate.service.ts";
import { memberships } from "./memberships.table.ts";

const most = 200;

/**
 * The index of who belongs to a tenant, made anew from its own database, which is the authority: first
 * whoever is in it, then without those who are not. Who is still awaited stays.
 */
export const reindex: Step = async (scope, work) => {
  const { tenant, operation } = work;
  const { indexed = "", dropped } = operation.output as { indexed?: string; dropped?: string };
  const db = await openOf(scope, tenant);
  if (dropped === undefined) {
    const [people] = await batch(db, "read", [
      db
        .select({
          id: userIdentities.id,
          issuer: userIdentities.issuer,
          subject: userIdentities.subject,
          role: users.tenantRole,
        })
        .from(userIdentities)
        .innerJoin(users, eq(users.id, userIdentities.userId))
        .where(and(gt(userIdentities.id, indexed), sql`${users.deletedAt} is null`))
        .orderBy(asc(userIdentities.id))
        .limit(most),
    ] as const);
    const last = people.at(-1);
    if (!last) return { output: { dropped: "" }, againAfterMs: 0 };
    const rows = people.map(({ issuer, subject, role }) => ({
      issuer,
      subject,
      role,
      tenantId: tenant.id,
      status: "active" as const,
      createdAt: Date.now(),
    }));
    const target = [memberships.issuer, memberships.subject, memberships.tenantId];
    const set = { role: sql`excluded.role`, status: sql`excluded.status` };
    const saved = scope.db.insert(memberships).values(rows);
    return {
      output: { indexed: last.id },
      also: [write(saved.onConflictDoUpdate({ target, set }))],
      againAfterMs: 0,
    };
  }
  const [known] = await batch(scope.db, "read", [
    scope.db
      .select({ issuer: memberships.issuer, subject: memberships.subject })
      .from(memberships)
      .where(
        and(
          eq(memberships.tenantId, tenant.id),
          eq(memberships.status, "active"),
          gt(memberships.subject, dropped),
        ),
      )
      .orderBy(asc(memberships.subject), asc(memberships.issuer))
      .limit(most),
  ] as const);
  const last = known.at(-1);
  if (!last) return {};
  const [there] = await batch(db, "read", [
    db
      .select({ issuer: userIdentities.issuer, subject: userIdentities.subject })
      .from(userIdentities)
      .innerJoin(users, eq(users.id, userIdentities.userId))
      .where(
        and(
          inArray(
            userIdentities.subject,
            known.map(({ subject }) => subject),
          ),
          sql`${users.deletedAt} is null`,
        ),
      ),
  ] as const);
  const nameOf = ({ issuer, subject }: { issuer: string; subject: string }) =>
    JSON.stringify([issuer, subject]);
  const present = new Set(there.map(nameOf));
  const gone = known.filter((person) => !present.has(nameOf(person)));
  const rowOf = (person: { issuer: string; subject: string }) =>
    and(eq(memberships.issuer, person.issuer), eq(memberships.subject, person.subject));
  const drop = scope.db
    .delete(memberships)
    .where(and(eq(memberships.tenantId, tenant.id), or(...gone.map(rowOf))));
  return {
    output: { dropped: last.subject },
    also: gone.length > 0 ? [write(drop)] : [],
    againAfterMs: 0,
  };
};
